const TEXT = /^kb_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/

/** Which API key a text claims to be; `undefined` for a text that cannot be one of ours. Proves nothing. */
export const guidOfKey = (text: string): string | undefined => TEXT.exec(text)?.slice(1).join('-')
