import type { Heartbeat, ServiceName } from '#libs/contracts'

/** A copy whose source has been silent or behind for longer than this, in ms, is not believed. */
export const FRESH_MS = 30_000

interface Look {
  readonly lastSequence: number
  readonly at: number
}

class Source {
  snapshotComplete = false
  /** The reader's monotonic time up to which this copy is complete, ms. */
  completeUntil = -Infinity
  looks: Look[] = []
}

/**
 * How old this process' copies are, for each service they come from. All by the reader's monotonic clock: a heartbeat
 * was stored after the last look at the broker's stream that did not show it yet, whatever the clocks of the publisher
 * and the broker say and however long the message lay in a queue.
 */
export class Freshness {
  readonly #sources = new Map<ServiceName, Source>()

  /** @param now monotonic, ms */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Ms since the instant up to which everything of that service is here; `Infinity` before the first live heartbeat. */
  freshness(service: ServiceName): number {
    return this.now() - this.#source(service).completeUntil
  }

  /** Whether a *yes* may rest on the copy. */
  isFresh(service: ServiceName): boolean {
    const source = this.#source(service)
    return source.snapshotComplete && this.now() - source.completeUntil < FRESH_MS
  }

  /** Whether everything that the broker had when this process came has been applied. */
  snapshotComplete(service: ServiceName): boolean {
    return this.#source(service).snapshotComplete
  }

  completed(service: ServiceName): void {
    this.#source(service).snapshotComplete = true
  }

  /** The broker's stream was seen to end at `lastSequence`, `at` or later. */
  looked(service: ServiceName, lastSequence: number, at: number = this.now()): void {
    const { looks } = this.#source(service)
    looks.push({ lastSequence, at })
    if (looks.length > 120) looks.shift()
  }

  /** What has been seen of the broker's stream says nothing about the one that is there now. */
  forgetLooks(service: ServiceName): void {
    this.#source(service).looks = []
  }

  /**
   * Everything before this heartbeat has been applied.
   * @param storedAt when the broker took it, if that is known otherwise than from the looks; by this clock, ms
   */
  heard(service: ServiceName, sequence: number, heartbeat: Partial<Heartbeat> | undefined, storedAt?: number): void {
    const source = this.#source(service)
    const storedAfter = source.looks.findLast((look) => look.lastSequence < sequence)?.at ?? storedAt
    const backlog = Date.parse(heartbeat?.sent_at ?? '') - Date.parse(heartbeat?.complete_until ?? '')
    if (storedAfter === undefined || !(backlog >= 0)) return
    source.completeUntil = storedAfter - backlog
  }

  #source(service: ServiceName): Source {
    let source = this.#sources.get(service)
    if (!source) this.#sources.set(service, (source = new Source()))
    return source
  }
}
