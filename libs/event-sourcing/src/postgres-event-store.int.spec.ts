import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import { eventually, freshDatabase, type FreshDatabase } from '#libs/testing'
import { appendOf, eventStoreContract } from './event-store.conformance.js'
import { NO_STREAM } from './event-store.js'
import { brokenAt } from './hash-chain.js'
import { logSchema } from './log-schema.js'
import { PostgresEventStore } from './postgres-event-store.js'
import { projection } from './projection.js'
import { release, reserve } from './reservation.js'
import { sql, type SqlClient } from './sql.js'
import { defineStream } from './stream-definition.js'
import { Streams } from './streams.js'

type ThingEvent = { type: 'Opened'; data: { name: string } } | { type: 'Renamed'; data: { name: string } }

const thing = defineStream<ThingEvent, ThingEvent, undefined>({
  category: 'thing',
  decider: { initial: undefined, decide: (event) => [event], evolve: () => undefined },
  projections: [
    projection<ThingEvent>('things', {
      Opened: ({ id, data, position }, sql) => sql`
        insert into thing (guid, name, position) values (${id}, ${data.name}, ${position})`,
      Renamed: ({ id, data }, sql) => sql`update thing set name = ${data.name} where guid = ${id}`,
    }),
  ],
  published: true,
})
const opened = (name: string): ThingEvent => ({ type: 'Opened', data: { name } })
const context = (commandId: string = randomUUID()) => ({ actor: { type: 'service', name: 'spec' }, commandId })

let database: FreshDatabase
let pool: Pool
let streams: Streams

beforeAll(async () => {
  database = await freshDatabase('empty')
  const owner = database.ownerPool()
  await owner.query('create table public.migrations (name text)')
  await owner.query(logSchema('empty'))
  await owner.query('create table model.thing (guid uuid primary key, name text unique, position bigint)')
  pool = database.pool()
  streams = new Streams(new PostgresEventStore(pool))
})

afterAll(() => database.drop())

describe('the event store in PostgreSQL', () => {
  eventStoreContract(() => new PostgresEventStore(pool))

  it('keeps events, rows and the stream’s name for the publisher in one transaction', async () => {
    const guid = randomUUID()
    const { events } = await streams.handle(thing, guid, opened('lamp'), context())
    expect((await pool.query('select name, position from thing where guid = $1', [guid])).rows).toEqual([
      { name: 'lamp', position: events[0]?.position },
    ])
    expect(
      (await pool.query('select version, priority from outbox where stream_id = $1', [`thing-${guid}`])).rows,
    ).toEqual([{ version: 1, priority: 0 }])
  })

  it('appends nothing that a projection cannot take', async () => {
    await streams.handle(thing, randomUUID(), opened('taken'), context())
    const guid = randomUUID()
    await expect(streams.handle(thing, guid, opened('taken'), context())).rejects.toThrow('duplicate key')
    expect(await new PostgresEventStore(pool).read(`thing-${guid}`)).toEqual([])
    expect((await pool.query('select from outbox where stream_id = $1', [`thing-${guid}`])).rowCount).toBe(0)
  })

  it('keeps since when a name has been waiting while newer versions join', async () => {
    const guid = randomUUID()
    await streams.handle(thing, guid, opened('chair'), context())
    const waiting = () =>
      pool.query<{ enqueued_at: Date; version: number }>('select * from outbox where stream_id = $1', [`thing-${guid}`])
    const before = (await waiting()).rows[0]
    await streams.handle(thing, guid, { type: 'Renamed', data: { name: 'armchair' } }, context())
    const after = (await waiting()).rows[0]
    expect(after).toMatchObject({ version: 2, enqueued_at: before?.enqueued_at })
  })

  it('writes the record in the append’s transaction, and undoes both together', async () => {
    const [mine, yours] = [randomUUID(), randomUUID()]
    const take = (guid: string) => ({
      record: async (client: Parameters<typeof reserve>[0]) => {
        if (!(await reserve(client, 'colour', 'red', guid))) throw new Error('taken')
      },
    })
    await streams.handle(thing, mine, opened('red car'), context(), take(mine))
    await expect(streams.handle(thing, yours, opened('red bus'), context(), take(yours))).rejects.toThrow('taken')
    expect((await streams.load(thing, yours)).version).toBe(0)
    await release(pool, 'colour', mine)
    await streams.handle(thing, yours, opened('red bus'), context(), take(yours))
    expect((await streams.load(thing, yours)).version).toBe(1)
  })

  it('verifies as a chain after being read back', async () => {
    const stream = `thing-${randomUUID()}`
    const store = new PostgresEventStore(pool)
    await store.append(appendOf(stream, NO_STREAM, 'Opened', 'Renamed'))
    expect(brokenAt(await store.read(stream))).toBeUndefined()
  })

  it.each(['update log.event set data = $$ $$', 'delete from log.event', 'truncate log.event'])(
    'refuses the serving role: %s',
    async (statement) => {
      await expect(pool.query(statement)).rejects.toThrow('permission denied')
    },
  )

  it.each([
    ['between two statements', 'select'],
    ['while a statement runs', 'select pg_sleep(10)'],
  ])(
    'survives the loss of its connection %s: nothing of the append is there, and it can be repeated',
    async (_, next) => {
      const guid = randomUUID()
      const command = context()
      const lose = async (client: SqlClient): Promise<void> => {
        const { rows } = await client.query<{ pid: number }>(sql`select pg_backend_pid() as pid`)
        const asked = next === 'select' ? undefined : client.query({ name: 'next', text: next, values: [] })
        await Promise.all([asked, pool.query('select pg_terminate_backend($1)', [rows[0]!.pid])])
        await eventually(async () => {
          const alive = await pool.query('select from pg_stat_activity where pid = $1', [rows[0]!.pid])
          return alive.rowCount === 0
        })
        await client.query({ name: 'next', text: next, values: [] })
      }
      await expect(streams.handle(thing, guid, opened(guid), command, { record: lose })).rejects.toThrow(/terminat/)
      expect(await streams.load(thing, guid)).toMatchObject({ version: 0 })
      expect(await streams.handle(thing, guid, opened(guid), command)).toMatchObject({ version: 1, repeated: false })
    },
  )

  it('knows that an append was carried out whose connection was lost after the commit', async () => {
    const guid = randomUUID()
    const own = database.pool({ max: 1 })
    own.on('connect', (client) => {
      const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>
      const losing = async (...args: unknown[]): Promise<unknown> => {
        const answer = await query(...args)
        if (args[0] !== 'commit') return answer
        const { rows } = (await query('select pg_backend_pid() as pid')) as { rows: { pid: number }[] }
        const asked = query('select pg_sleep(10)')
        await pool.query('select pg_terminate_backend($1)', [rows[0]!.pid])
        return asked
      }
      Object.assign(client, { query: (...args: unknown[]) => (args.length > 1 ? query(...args) : losing(...args)) })
    })
    const handled = await new Streams(new PostgresEventStore(own)).handle(thing, guid, opened(guid), context())
    expect(handled).toMatchObject({ version: 1, events: [{ type: 'Opened' }] })
  })

  it('carries out fifty commands on one stream from two processes’ worth of queues', async () => {
    const guid = randomUUID()
    const other = new Streams(new PostgresEventStore(pool))
    await streams.handle(thing, guid, opened(guid), context())
    await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        (index % 2 ? streams : other).handle(
          thing,
          guid,
          { type: 'Renamed', data: { name: `${guid} ${index}` } },
          context(),
        ),
      ),
    )
    expect((await streams.load(thing, guid)).version).toBe(51)
  })
})
