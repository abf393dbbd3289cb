const DEEPEST_CAUSE = 5

/** What of an error may stand in the log. */
export interface SafeError {
  readonly type: string
  readonly message: string
  readonly code?: string
  readonly stack?: string
  readonly cause?: SafeError
}

/**
 * An error as message, code and stack, and its causes likewise. Every other member is left out: libraries hang
 * requests, answers, settings and query parameters on their errors.
 */
export function safeError(thrown: unknown, depth = 0): SafeError {
  if (!(thrown instanceof Error)) return { type: typeof thrown, message: 'not an Error' }
  const { name, message, stack } = thrown
  const code: unknown = (thrown as { code?: unknown }).code
  const cause: unknown = thrown.cause ?? (thrown instanceof AggregateError ? thrown.errors[0] : undefined)
  return {
    type: name,
    message,
    ...((typeof code === 'string' || typeof code === 'number') && { code: String(code) }),
    ...(stack !== undefined && { stack }),
    ...(cause !== undefined && depth < DEEPEST_CAUSE && { cause: safeError(cause, depth + 1) }),
  }
}
