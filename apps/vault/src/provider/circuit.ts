const OPENS_AFTER = 5
const REST_MS = 30_000
const REMEMBERED = 10_000

interface Known {
  /** In a row. */
  failures: number
  /** By the monotonic clock; 0: it is asked by everybody. */
  restsUntil: number
}

/** Somebody's leave to ask, and what came of it. */
export interface Admission {
  /** The provider answered as one does that is well, be it with a refusal. */
  answered(): void
  /**
   * @param retryAfterSeconds what the provider asked for (RFC 9110 §10.2.3)
   * @returns whether it is left in peace from now on and was not before
   */
  failed(retryAfterSeconds?: number): boolean
  /** To be called in any case: who was let in alone and has not asked makes room for the next one. */
  release(): void
}

/**
 * Leaves a provider in peace that fails time after time: after five failures in a row, or when it says itself for how
 * long, nobody asks; then one asks, and everybody again once that has gone well.
 */
export class Circuits {
  readonly #known = new Map<string, Known>()

  /** @param now milliseconds by a clock that never goes back */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** @returns `undefined` when nobody may ask now. Who is let in after a rest is alone: the next rest has begun. */
  admit(name: string): Admission | undefined {
    if (this.restMs(name) > 0) return undefined
    const known = this.#known.get(name)
    const alone = known && known.restsUntil !== 0 ? (known.restsUntil = this.now() + REST_MS) : undefined
    let asked = false
    return {
      answered: () => {
        asked = true
        this.#known.delete(name)
      },
      failed: (retryAfterSeconds) => {
        asked = true
        return this.#failed(name, retryAfterSeconds)
      },
      release: () => {
        if (!asked && known && known.restsUntil === alone) known.restsUntil = this.now()
      },
    }
  }

  /** Milliseconds for which nobody may ask. */
  restMs(name: string): number {
    return Math.max(0, (this.#known.get(name)?.restsUntil ?? 0) - this.now())
  }

  #failed(name: string, retryAfterSeconds?: number): boolean {
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
