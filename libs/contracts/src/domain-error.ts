/** Who can mend it: the caller's words, the caller's credentials, an administrator, or time. */
export type ErrorKind = 'invalid' | 'unauthenticated' | 'forbidden' | 'not_found' | 'conflict' | 'unavailable'

/** A refusal that the caller may see. `cause` is for the log only and never leaves the process. */
export class DomainError extends Error {
  /** Members of the answer's `payload`: what a client may act on. Never a secret, never the caller's own value. */
  readonly payload: Readonly<Record<string, unknown>> | null

  constructor(
    readonly kind: ErrorKind,
    /** Stable and machine-readable: `<noun>.<what_is_wrong>`; `errors.ts` gives it a number and a status. */
    readonly code: string,
    message: string,
    options: { cause?: unknown; payload?: Record<string, unknown> } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = 'DomainError'
    this.payload = options.payload ?? null
  }
}
