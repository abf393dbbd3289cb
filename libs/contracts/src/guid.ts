const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * Whether a text is a GUID as this server writes it, in small letters; what others send may have capitals.
 * @see RFC 9562 §4
 */
export const isGuid = (text: unknown): text is string => typeof text === 'string' && GUID.test(text)
