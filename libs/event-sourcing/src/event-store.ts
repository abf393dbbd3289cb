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

/** A stream as a command finds it. */
export interface Past {
  /** All of it, or no more than what its state can be told from. */
  readonly events: readonly StoredEvent[]
  /** What the same command made happen when it came before. */
  readonly former: readonly StoredEvent[]
}

/** The first events of streams that do not exist yet. */
export interface Begin extends Omit<Append, 'streamId' | 'expected' | 'events'> {
  readonly streams: readonly { readonly streamId: string; readonly events: readonly NewEvent[] }[]
}

/** Where streams are kept. `eventStoreContract` is its promise; PostgreSQL and memory both keep it. */
export interface EventStore {
  /** @param foldsFrom event types; with them, what is before the last event of these types is left out */
  read(streamId: string, foldsFrom?: readonly string[]): Promise<readonly StoredEvent[]>
  /** The same with what a command has done before, however long ago. */
  pastOf(streamId: string, commandId: string, foldsFrom?: readonly string[]): Promise<Past>
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
  /**
   * Keeps that a command changed nothing, which leaves no event to know it by.
   * @param request a guid of what was asked for
   * @returns false when the same command has already changed nothing for another request
   */
  noteUnchanged(streamId: string, commandId: string, request: string): Promise<boolean>
  /** @returns the request that a command came with when it changed nothing; `undefined` when there was none such */
  unchangedBy(streamId: string, commandId: string): Promise<string | undefined>
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
