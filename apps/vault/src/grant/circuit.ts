const OPENS_AFTER = 5
const REST_MS = 30_000
const REMEMBERED = 10_000

interface Known {
  /** In a row. */
  failures: number
  /** By the monotonic clock. */
  restsUntil: number
}

/**
 * Leaves a provider in peace that fails time after time: after five failures in a row, or when it says itself for how
 * long, nobody asks; then one asks, and everybody again once that has gone well.
 */
export class Circuits {
  readonly #known = new Map<string, Known>()

  /** @param now milliseconds by a clock that never goes back */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Whether one may ask now. Who is let in after a rest is alone: for the others the next rest has begun. */
  admits(name: string): boolean {
    const known = this.#known.get(name)
    if (!known || known.restsUntil === 0) return true
    if (known.restsUntil > this.now()) return false
    known.restsUntil = this.now() + REST_MS
    return true
  }

  /** Who was let in has not asked after all. */
  passed(name: string): void {
    const known = this.#known.get(name)
    if (known && known.restsUntil !== 0) known.restsUntil = this.now()
  }

  /** The provider answered as one does that is well, be it with a refusal. */
  answered(name: string): void {
    this.#known.delete(name)
  }

  /**
   * @param retryAfterSeconds what the provider asked for (RFC 9110 §10.2.3)
   * @returns whether it is left in peace from now on and was not before
   */
  failed(name: string, retryAfterSeconds?: number): boolean {
    let known = this.#known.get(name)
    if (!known) {
      if (this.#known.size >= REMEMBERED) this.#known.clear()
      this.#known.set(name, (known = { failures: 0, restsUntil: 0 }))
    }
    known.failures++
    const opened = known.restsUntil === 0
    const rest = retryAfterSeconds ? retryAfterSeconds * 1000 : REST_MS
    if (opened && known.failures < OPENS_AFTER && !retryAfterSeconds) return false
    known.restsUntil = Math.max(known.restsUntil, this.now() + rest)
    return opened
  }
}
