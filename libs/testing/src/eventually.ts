export interface EventuallyOptions {
  /** 5,000 unless told. */
  readonly timeoutMs?: number
  /** 20 unless told. */
  readonly intervalMs?: number
}

/**
 * Polls until `probe` neither throws nor answers `false`, `null` or `undefined`, and returns its answer.
 * @throws the probe's last failure, or an error that says how long was waited
 */
export async function eventually<T>(
  probe: () => T | Promise<T>,
  { timeoutMs = 5000, intervalMs = 20 }: EventuallyOptions = {},
): Promise<NonNullable<Exclude<T, false>>> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    let failure: unknown
    try {
      const answer = await probe()
      if (answer !== false && answer !== null && answer !== undefined) return answer as NonNullable<Exclude<T, false>>
    } catch (error) {
      failure = error
    }
    if (Date.now() > deadline) throw failure ?? new Error(`the condition did not come true within ${timeoutMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, intervalMs))
  }
}
