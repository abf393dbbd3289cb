import { setTimeout as delay } from 'node:timers/promises'
import type { Duplex } from 'node:stream'

const SWEEP_MS = 5_000
/** Between two sockets about whose visitors owners had to be asked: a sweep must not use up what visits may ask. */
const PACE_MS = 50
/** A socket about which nobody has been able to say anything for longer is closed. */
const UNSURE_MS = 30_000

interface OpenSocket {
  readonly socket: Duplex
  /** The documents on which the visitor's being there rests; absent ones are `undefined`. */
  readonly restsOn: readonly (string | undefined)[]
  /** Rejects when nobody can say at present. */
  readonly mayStay: () => Promise<boolean>
  /** Bytes that have come from the visitor. */
  readonly received?: () => number
  /** Called now and then while something comes from the visitor. */
  readonly use?: () => Promise<void>
}

interface Entry extends OpenSocket {
  /** When it was last known that the visitor may be there. */
  sureAt: number
  /** What had been received at the last sweep. */
  seen: number
}

/** WebSockets live long, so whether their visitors may still be there is asked again at every change, and now and then. */
export class OpenSockets {
  readonly #open = new Set<Entry>()
  #timer: NodeJS.Timeout | undefined
  #sweeping = false

  /**
   * @param isFresh whether the questions are answered from copies
   * @param now monotonic, ms
   */
  constructor(
    private readonly isFresh: () => boolean,
    private readonly now: () => number = () => performance.now(),
  ) {}

  add(open: OpenSocket): void {
    const entry = { ...open, sureAt: this.now(), seen: open.received?.() ?? 0 }
    this.#open.add(entry)
    open.socket.once('close', () => this.#open.delete(entry))
    // Sessions and keys run out without any change.
    this.#timer ??= setInterval(() => void this.sweep(), SWEEP_MS).unref()
  }

  /** To be called with each person, API key and content item that changed. */
  changed(guid: string): void {
    for (const entry of this.#open) if (entry.restsOn.includes(guid)) void this.#review(entry)
  }

  /** Reviews all of them, one after the other. Never rejects. */
  async sweep(): Promise<void> {
    if (this.#sweeping) return
    this.#sweeping = true
    for (const entry of this.#open) {
      const isFresh = this.isFresh()
      await this.#notice(entry)
      await this.#review(entry)
      if (!isFresh) await delay(PACE_MS, undefined, { ref: false })
    }
    this.#sweeping = false
  }

  get size(): number {
    return this.#open.size
  }

  closeAll(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    for (const { socket } of this.#open) socket.destroy()
  }

  async #notice(entry: Entry): Promise<void> {
    const received = entry.received?.() ?? 0
    if (received === entry.seen) return
    entry.seen = received
    await entry.use?.()
  }

  async #review(entry: Entry): Promise<void> {
    try {
      if (await entry.mayStay()) entry.sureAt = this.now()
      else entry.socket.destroy()
    } catch {
      if (this.now() - entry.sureAt >= UNSURE_MS) entry.socket.destroy()
    }
  }
}
