import type { DomainEvent } from './decider.js'
import type { SqlClient } from './sql.js'

/** Where a stream ends: what the next append must build on. Version 0 is a stream that does not exist yet. */
export interface StreamEnd {
  readonly version: number
  readonly hash: Buffer
}

/** `meta` of an event as it is stored: JSON with snake_case names. */
export interface EventMeta {
  readonly actor: object
  /** RFC 3339 by the writer's clock, so that the claimed time is part of the chain. */
  readonly at: string
  readonly command_id: string
  readonly correlation_id?: string
  readonly causation_id?: string
  readonly request_fingerprint?: string
}

/** An event as the log holds it, byte for byte. */
export interface StoredEvent {
  readonly streamId: string
  readonly version: number
  readonly type: string
  readonly schemaVersion: number
  /** JSON text as written. */
  readonly data: string
  /** JSON text of `EventMeta`. */
  readonly meta: string
  readonly hash: Buffer
  /** Place in the log, and the number behind the API's numeric ids. Gaps are normal. */
  readonly position: string
  /** The database's clock. */
  readonly recordedAt: Date
}

/** An event as deciders and projections see it: in today's schema version. */
export interface RecordedEvent<Event extends DomainEvent = DomainEvent> {
  /** The id of the thing: the stream id without its category. */
  readonly id: string
  readonly type: Event['type']
  readonly data: Event['data']
  readonly version: number
  readonly position: string
  readonly recordedAt: Date
}

export interface NewEvent {
  readonly type: string
  readonly schemaVersion: number
  readonly data: string
}

export interface Append {
  readonly streamId: string
  readonly expected: StreamEnd
  readonly events: readonly NewEvent[]
  readonly meta: EventMeta
  /** Whether others are told: whether the stream's name goes into the outbox. */
  readonly published: boolean
  /** Runs after the insert in the same transaction: projections first, then `record` statements. */
  readonly inTransaction?: (client: SqlClient, events: readonly StoredEvent[]) => Promise<void>
}

/** The first events of streams that do not exist yet. */
export interface Begin extends Omit<Append, 'streamId' | 'expected' | 'events'> {
  readonly streams: readonly { readonly streamId: string; readonly events: readonly NewEvent[] }[]
}

/** Where streams are kept. `eventStoreContract` is its promise; PostgreSQL and memory both keep it. */
export interface EventStore {
  read(streamId: string): Promise<readonly StoredEvent[]>
  /**
   * Adds events behind `expected`; all of them or none.
   * @throws ConcurrencyConflict when another append was first
   */
  append(append: Append): Promise<readonly StoredEvent[]>
  /**
   * Begins many streams in one transaction: all of them or none.
   * @throws ConcurrencyConflict when one of them exists
   */
  begin(begin: Begin): Promise<readonly StoredEvent[]>
}

/** Another append to the same stream was first. Reload and decide again. */
export class ConcurrencyConflict extends Error {
  constructor(readonly streamId: string) {
    super('another change to the same thing was first')
    this.name = 'ConcurrencyConflict'
  }
}

export const NO_STREAM: StreamEnd = { version: 0, hash: Buffer.alloc(32) }

export const endOf = (events: readonly StoredEvent[]): StreamEnd => events.at(-1) ?? NO_STREAM
