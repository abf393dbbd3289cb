import type { Pool, PoolClient } from 'pg'
import {
  ConcurrencyConflict,
  NO_STREAM,
  type Append,
  type Begin,
  type EventStore,
  type Past,
  type StoredEvent,
} from './event-store.js'
import { eventHash } from './hash-chain.js'
import { reserve } from './reservation.js'
import { sql } from './sql.js'
import { transaction } from './transaction.js'

interface EventRow {
  stream_id: string
  version: number
  type: string
  schema_version: number
  data: string
  meta: string
  hash: Buffer
  position: string
  recorded_at: Date
}

const fromRow = (row: EventRow): StoredEvent => ({
  streamId: row.stream_id,
  version: row.version,
  type: row.type,
  schemaVersion: row.schema_version,
  data: row.data,
  meta: row.meta,
  hash: row.hash,
  position: row.position,
  recordedAt: row.recorded_at,
})

/** `record.reserved.kind` of the ids of commands that changed nothing; their holder is the request. */
const UNCHANGED = 'unchanged_command'

/** Streams in the tables that `LOG_SCHEMA_SQL` makes. An append is one transaction, and its first write. */
export class PostgresEventStore implements EventStore {
  constructor(private readonly pool: Pool) {}

  async read(streamId: string, foldsFrom: readonly string[] = []): Promise<readonly StoredEvent[]> {
    const { events } = await this.pastOf(streamId, undefined, foldsFrom)
    return events
  }

  async pastOf(streamId: string, commandId: string | undefined, foldsFrom: readonly string[] = []): Promise<Past> {
    // Both ends are looked up, in the index of (stream, version): with one of them the planner takes a third of the log
    // for the answer and reads all of it.
    const { rows } = await this.pool.query<EventRow & { is_past: boolean; is_former: boolean | null }>(sql`
      with past as (
        select max(version) as last, coalesce((
          select version from event
          where ${foldsFrom.length > 0}::boolean and stream_id = ${streamId} and type = any(${foldsFrom}::text[])
          order by version desc limit 1), 1) as first
        from event where stream_id = ${streamId}
      )
      select stream_id, version, type, schema_version, data, meta, hash, position, recorded_at,
        true as is_past, command_id = ${commandId ?? null}::uuid as is_former
      from event
      where stream_id = ${streamId} and version between (select first from past) and (select last from past)
      union all
      select stream_id, version, type, schema_version, data, meta, hash, position, recorded_at, false, true
      from event
      where stream_id = ${streamId} and command_id = ${commandId ?? null}::uuid and version < (select first from past)
      order by version`)
    return {
      events: rows.filter(({ is_past }) => is_past).map(fromRow),
      former: rows.filter(({ is_former }) => is_former).map(fromRow),
    }
  }

  append({ streamId, expected, events, ...rest }: Append): Promise<readonly StoredEvent[]> {
    return this.#write([{ streamId, expected, events }], rest)
  }

  begin({ streams, ...rest }: Begin): Promise<readonly StoredEvent[]> {
    return this.#write(
      streams.map((stream) => ({ ...stream, expected: NO_STREAM })),
      rest,
    )
  }

  noteUnchanged(streamId: string, commandId: string, request: string): Promise<boolean> {
    return reserve(this.pool, UNCHANGED, `${streamId} ${commandId}`, request)
  }

  async unchangedBy(streamId: string, commandId: string): Promise<string | undefined> {
    const { rows } = await this.pool.query<{ holder: string }>(sql`
      select holder from reserved where kind = ${UNCHANGED} and value = ${`${streamId} ${commandId}`}`)
    return rows[0]?.holder
  }

  async #write(streams: readonly Addition[], { inTransaction, ...rest }: Rest): Promise<readonly StoredEvent[]> {
    try {
      return await transaction(this.pool, async (client) => {
        const events = await insert(client, streams, rest)
        await inTransaction?.(client, events)
        return events
      })
    } catch (error) {
      throw conflictOf(error, streams[0]?.streamId ?? '')
    }
  }
}

/** What one stream gets. */
type Addition = Pick<Append, 'streamId' | 'expected' | 'events'>
type Rest = Omit<Append, keyof Addition>

/** One fixed statement, however many streams and events: so it stays prepared, and the outbox is written with them. */
async function insert(
  client: PoolClient,
  streams: readonly Addition[],
  { meta, published }: Omit<Rest, 'inTransaction'>,
): Promise<StoredEvent[]> {
  const metaText = JSON.stringify(meta)
  const chained = streams.flatMap(({ streamId, expected, events }) => {
    let { version, hash } = expected
    return events.map((event) => {
      const next = { streamId, version: ++version, meta: metaText, ...event }
      hash = eventHash(hash, next)
      return { ...next, hash }
    })
  })
  const { rows } = await client.query<Pick<EventRow, 'stream_id' | 'version' | 'position' | 'recorded_at'>>(sql`
    with new as (
      select * from unnest(
        ${chained.map((event) => event.streamId)}::text[],
        ${chained.map((event) => event.version)}::int[],
        ${chained.map((event) => event.type)}::text[],
        ${chained.map((event) => event.schemaVersion)}::smallint[],
        ${chained.map((event) => event.data)}::text[],
        ${chained.map((event) => event.hash)}::bytea[]
      ) with ordinality as new (stream_id, version, type, schema_version, data, hash, place)
    ), inserted as (
      insert into event (stream_id, version, type, schema_version, data, meta, command_id, hash)
      select stream_id, version, type, schema_version, data, ${metaText}, ${meta.command_id}, hash
      from new order by place
      returning stream_id, version, position, recorded_at
    ), noted as (
      insert into outbox (stream_id, version)
      select stream_id, max(version) from new where ${published}::boolean group by stream_id
      on conflict (stream_id) do update set version = excluded.version, priority = 0
    )
    select stream_id, version, position, recorded_at from inserted`)
  const placeOf = (streamId: string, version: number): string => `${streamId}/${version}`
  const written = new Map(rows.map((row) => [placeOf(row.stream_id, row.version), row]))
  return chained.map((event) => {
    const row = written.get(placeOf(event.streamId, event.version))
    if (!row) throw new Error('the log took fewer events than it was given')
    return { ...event, position: row.position, recordedAt: row.recorded_at }
  })
}

/** The unique key of (stream, version) is optimistic concurrency, all of it. */
function conflictOf(error: unknown, streamId: string): unknown {
  const { code, constraint } = error as { code?: string; constraint?: string }
  return code === '23505' && constraint === 'event_stream_id_version_key' ? new ConcurrencyConflict(streamId) : error
}
