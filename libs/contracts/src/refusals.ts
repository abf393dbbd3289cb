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

/** 503. @param cause for the log */
export const serviceUnavailable = (cause?: unknown): DomainError =>
  new DomainError('unavailable', 'service.unavailable', 'The service is not available at the moment.', { cause })
