import { rateLimited } from '#libs/contracts'

const BURST = 50
const PER_SECOND = 10
const ADDRESSES = 10_000

/**
 * How often somebody may fail, by address or by guid. Unless it is said otherwise 50 times at once and 10 times a second in
 * the long run, which is for credentials that turn out to be unknown: it spares identity, as guessing 256 bits is hopeless
 * anyway. Behind a reverse proxy everybody has one address.
 */
export class FailureLimit {
  readonly #failures = new Map<string, { tokens: number; at: number }>()
  /** Attempts whose end is not known yet. */
  readonly #pending = new Map<string, number>()

  /**
   * @param now monotonic, ms
   * @param burst how often at once
   * @param perSecond how often in the long run
   */
  constructor(
    private readonly now: () => number = () => performance.now(),
    private readonly burst = BURST,
    private readonly perSecond = PER_SECOND,
  ) {}

  /**
   * @throws DomainError `request.rate_limited` when the address has used up what it may, or will have if all fails that it
   *   is at
   */
  mustHaveLeft(address: string, message: string): void {
    const lacking = 1 - (this.#left(address) - (this.#pending.get(address) ?? 0))
    if (lacking > 0) throw rateLimited(message, Math.ceil(lacking / this.perSecond))
  }

  /** Lets an attempt count as a failure until it has ended. */
  async pending<T>(address: string, attempt: Promise<T>): Promise<T> {
    this.#pending.set(address, (this.#pending.get(address) ?? 0) + 1)
    try {
      return await attempt
    } finally {
      const others = this.#pending.get(address)! - 1
      if (others > 0) this.#pending.set(address, others)
      else this.#pending.delete(address)
    }
  }

  failed(address: string): void {
    // Never less than nothing: whoever stops guessing is soon heard again.
    const tokens = Math.max(0, this.#left(address) - 1)
    // Set anew, so that the map is in the order of the last failure and its first entry is the oldest.
    this.#failures.delete(address)
    if (this.#failures.size >= ADDRESSES) this.#failures.delete(this.#failures.keys().next().value!)
    this.#failures.set(address, { tokens, at: this.now() })
  }

  #left(address: string): number {
    const known = this.#failures.get(address)
    return known ? Math.min(this.burst, known.tokens + ((this.now() - known.at) / 1000) * this.perSecond) : this.burst
  }
}
