import type { DomainEvent, Upcasters } from './decider.js'
import { upcast } from './decider.js'
import type { RecordedEvent, StoredEvent } from './event-store.js'
import { sql, type Sql, type SqlClient, type Statement } from './sql.js'

type Handlers<Event extends DomainEvent> = {
  readonly [Type in Event['type']]?: (event: RecordedEvent<Extract<Event, { type: Type }>>, sql: Sql) => Statement
}

type SetHandlers<Event extends DomainEvent> = {
  readonly [Type in Event['type']]?: (
    events: readonly RecordedEvent<Extract<Event, { type: Type }>>[],
    sql: Sql,
  ) => Statement
}

/** Events to rows, inside the append's own transaction. */
export interface Projection<Event extends DomainEvent = DomainEvent> {
  readonly name: string
  statementFor(event: RecordedEvent<Event>): Statement | undefined
  /** One statement for several events of one type, where there is one. */
  statementForAll(events: readonly RecordedEvent<Event>[]): Statement | undefined
}

/**
 * One statement an event, nothing read back, no clock and no schema name: so a replay gives the same rows, wherever
 * they are built.
 * @param sets for what comes in hundreds: the same rows by one statement
 */
export function projection<Event extends DomainEvent>(
  name: string,
  handlers: Handlers<Event>,
  sets: SetHandlers<Event> = {},
): Projection<Event> {
  return {
    name,
    statementFor(event) {
      const handler = handlers[event.type as Event['type']] as
        ((event: RecordedEvent<Event>, sql: Sql) => Statement) | undefined
      return handler?.(event, sql)
    },
    statementForAll(events) {
      const handler = sets[events[0]?.type as Event['type']] as
        ((events: readonly RecordedEvent<Event>[], sql: Sql) => Statement) | undefined
      return handler?.(events, sql)
    },
  }
}

/** Runs every projection over the events in order, pipelined on one client. */
export async function project(
  projections: readonly Projection[],
  events: readonly RecordedEvent[],
  client: SqlClient,
): Promise<void> {
  for (const alike of runsOf(events)) {
    for (const each of projections) {
      const statement = alike.length > 1 ? each.statementForAll(alike) : undefined
      if (statement) {
        await client.query(statement)
        continue
      }
      for (const event of alike) {
        const statement = each.statementFor(event)
        if (statement) await client.query(statement)
      }
    }
  }
}

/** Events of one type that follow each other. */
function runsOf(events: readonly RecordedEvent[]): RecordedEvent[][] {
  const runs: RecordedEvent[][] = []
  for (const event of events) {
    const last = runs.at(-1)
    if (last?.[0]?.type === event.type) last.push(event)
    else runs.push([event])
  }
  return runs
}

/** A stored event in today's schema version. */
export function recorded(stored: StoredEvent, upcasters: Upcasters): RecordedEvent {
  return {
    id: stored.streamId.slice(stored.streamId.indexOf('-') + 1),
    type: stored.type,
    data: upcast(upcasters, stored.type, stored.schemaVersion, JSON.parse(stored.data) as object),
    version: stored.version,
    position: stored.position,
    recordedAt: stored.recordedAt,
  }
}
