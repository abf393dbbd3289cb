import { hash } from 'node:crypto'

/** What a verification found out, and until when that holds. */
export interface Verified<T> {
  readonly value: T
  /** Milliseconds since 1970, from the token's own `exp`. */
  readonly expiresAt: number
}

/**
 * Verifies each token once and remembers the outcome by the token's SHA-256 until it expires. Refusals are not
 * remembered. At most `size` outcomes are kept; beyond that the oldest goes.
 */
export class Remembered<T> {
  readonly #known = new Map<string, Verified<T>>()
  readonly #running = new Map<string, Promise<T>>()

  constructor(
    private readonly check: (token: string) => Promise<Verified<T>>,
    private readonly size = 10_000,
    private readonly now: () => number = Date.now,
  ) {}

  /** Answers at once, without a promise, when the token is remembered. */
  verify(token: string): T | Promise<T> {
    const key = hash('sha256', token, 'base64url')
    const known = this.#known.get(key)
    if (known) {
      if (known.expiresAt > this.now()) return known.value
      this.#known.delete(key)
    }
    let running = this.#running.get(key)
    if (!running) {
      running = this.#check(key, token)
      this.#running.set(key, running)
    }
    return running
  }

  async #check(key: string, token: string): Promise<T> {
    try {
      const verified = await this.check(token)
      if (this.#known.size >= this.size) this.#known.delete(this.#known.keys().next().value!)
      this.#known.set(key, verified)
      return verified.value
    } finally {
      this.#running.delete(key)
    }
  }
}
