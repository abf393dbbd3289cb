const BURST = 50
const PER_SECOND = 10
const ADDRESSES = 10_000

/**
 * How often one address may present credentials that turn out to be unknown: 50 at once, 10 a second in the long run. It
 * spares identity; guessing 256 bits is hopeless anyway. Behind a reverse proxy everybody has one address.
 */
export class FailureLimit {
  readonly #failures = new Map<string, { tokens: number; at: number }>()

  /** @param now monotonic, ms */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Whether the address has used up what it may. */
  isExhausted(address: string): boolean {
    const known = this.#failures.get(address)
    return known !== undefined && this.#refilled(known) < 1
  }

  failed(address: string): void {
    const known = this.#failures.get(address)
    const tokens = (known ? this.#refilled(known) : BURST) - 1
    // Set anew, so that the map is in the order of the last failure and its first entry is the oldest.
    this.#failures.delete(address)
    if (this.#failures.size >= ADDRESSES) this.#failures.delete(this.#failures.keys().next().value!)
    this.#failures.set(address, { tokens, at: this.now() })
  }

  #refilled({ tokens, at }: { tokens: number; at: number }): number {
    return Math.min(BURST, tokens + ((this.now() - at) / 1000) * PER_SECOND)
  }
}
