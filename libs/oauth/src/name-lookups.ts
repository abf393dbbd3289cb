import type { LookupAddress } from 'node:dns'

/** Every address of a name, or an error. */
export type Resolve = (hostname: string, callback: (error: Error | null, addresses: LookupAddress[]) => void) => void

/**
 * Names that are looked up at a time. Each holds a thread for as long as its name servers do not answer, and a process has
 * half of `UV_THREADPOOL_SIZE` for all its lookups, those of its database and of NATS among them.
 */
const AT_A_TIME = 4

/**
 * Looks each name up once at a time, however many ask, and few names at a time: a provider whose name servers are dead takes
 * one place and not everybody's. Nothing is remembered: who asks after an answer has the name looked up anew.
 */
export class NameLookups {
  readonly #waiting = new Map<string, Parameters<Resolve>[1][]>()
  /** Those that are not begun, oldest first. */
  readonly #queue: string[] = []
  #running = 0

  constructor(private readonly resolve: Resolve) {}

  readonly lookup: Resolve = (hostname, callback) => {
    const waiting = this.#waiting.get(hostname)
    if (waiting) {
      waiting.push(callback)
      return
    }
    this.#waiting.set(hostname, [callback])
    this.#queue.push(hostname)
    this.#next()
  }

  #next(): void {
    if (this.#running >= AT_A_TIME) return
    const hostname = this.#queue.shift()
    if (hostname === undefined) return
    this.#running++
    this.resolve(hostname, (error, addresses) => {
      const waiting = this.#waiting.get(hostname) ?? []
      this.#waiting.delete(hostname)
      this.#running--
      this.#next()
      for (const callback of waiting) callback(error, addresses)
    })
  }
}
