import {
  ConcurrencyConflict,
  endOf,
  NO_STREAM,
  type Append,
  type Begin,
  type EventMeta,
  type EventStore,
  type Past,
  type StoredEvent,
} from './event-store.js'
import { eventHash } from './hash-chain.js'

/**
 * The store's twin for specs of flows: keeps every promise of `eventStoreContract` and has no tables, so projections
 * and `record` statements are left out.
 */
export class MemoryEventStore implements EventStore {
  readonly #streams = new Map<string, readonly StoredEvent[]>()
  readonly #unchanged = new Map<string, string>()
  #position = 0

  /** Names of streams whose new state has not been announced: the outbox. */
  readonly outbox = new Map<string, number>()

  constructor(private readonly now: () => Date = () => new Date()) {}

  read(streamId: string, foldsFrom: readonly string[] = []): Promise<readonly StoredEvent[]> {
    const events = this.#streams.get(streamId) ?? []
    const start = events.findLastIndex(({ type }) => foldsFrom.includes(type))
    return Promise.resolve(events.slice(Math.max(0, start)))
  }

  async pastOf(streamId: string, commandId: string, foldsFrom?: readonly string[]): Promise<Past> {
    const all = await this.read(streamId)
    const former = all.filter(({ meta }) => (JSON.parse(meta) as EventMeta).command_id === commandId)
    return { events: await this.read(streamId, foldsFrom), former }
  }

  append({ streamId, expected, events, meta, published }: Append): Promise<readonly StoredEvent[]> {
    const before = this.#streams.get(streamId) ?? []
    if (endOf(before).version !== expected.version) return Promise.reject(new ConcurrencyConflict(streamId))
    const appended: StoredEvent[] = []
    let { version, hash } = expected
    for (const event of events) {
      const next = { streamId, version: ++version, meta: JSON.stringify(meta), ...event }
      hash = eventHash(hash, next)
      appended.push({ ...next, hash, position: `${++this.#position}`, recordedAt: this.now() })
    }
    this.#streams.set(streamId, [...before, ...appended])
    if (published) this.outbox.set(streamId, version)
    return Promise.resolve(appended)
  }

  async begin({ streams, ...rest }: Begin): Promise<readonly StoredEvent[]> {
    const names = streams.map(({ streamId }) => streamId)
    const existing = names.find((name, index) => this.#streams.has(name) || names.indexOf(name) !== index)
    if (existing !== undefined) throw new ConcurrencyConflict(existing)
    const appended: StoredEvent[] = []
    for (const stream of streams) appended.push(...(await this.append({ ...rest, ...stream, expected: NO_STREAM })))
    return appended
  }

  noteUnchanged(streamId: string, commandId: string, request: string): Promise<boolean> {
    const key = `${streamId} ${commandId}`
    const first = this.#unchanged.get(key) ?? request
    this.#unchanged.set(key, first)
    return Promise.resolve(first === request)
  }

  unchangedBy(streamId: string, commandId: string): Promise<string | undefined> {
    return Promise.resolve(this.#unchanged.get(`${streamId} ${commandId}`))
  }
}
