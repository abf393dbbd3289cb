import { DomainError } from './domain-error.js'

/** Code 30: what somebody came with is no good. */
export const authenticationFailed = (): DomainError =>
  new DomainError(
    'unauthenticated',
    'authentication.failed',
    "We couldn't log you in with the provided credentials. Please ask your administrator for assistance.",
  )

/** Code 24: nobody known has asked. */
export const authenticationRequired = (): DomainError =>
  new DomainError('unauthenticated', 'authentication.required', 'The requested operation requires authentication.')

/** Code 22, in general words. */
export const permissionDenied = (): DomainError =>
  new DomainError('forbidden', 'permission.denied', "You don't have permission to perform this operation.")

/**
 * 429, with code 277.
 * @param retryAfterSeconds whole
 */
export const rateLimited = (message: string, retryAfterSeconds: number): DomainError =>
  new DomainError('invalid', 'request.rate_limited', message, { payload: { retry_after: retryAfterSeconds } })

/**
 * The header that tells when to come again, for every refusal that says so.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
 */
export function retryAfterOf({ payload }: DomainError): { 'Retry-After'?: string } {
  const seconds = payload?.['retry_after']
  return typeof seconds === 'number' ? { 'Retry-After': String(seconds) } : {}
}

/** 503. @param cause for the log */
export const serviceUnavailable = (cause?: unknown): DomainError =>
  new DomainError('unavailable', 'service.unavailable', 'The service is not available at the moment.', { cause })
