import { jest } from '@jest/globals'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { heartbeatSubject, type ChangeContract, type ChangeMessage, type Heartbeat } from '#libs/contracts'
import { logSchema } from '#libs/event-sourcing'
import {
  eventually as eventuallyWithin,
  freshDatabase,
  freshJetStream,
  type FreshDatabase,
  type FreshJetStream,
} from '#libs/testing'
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import { Controller, Logger } from '@nestjs/common'
import { Ctx, EventPattern, Payload } from '@nestjs/microservices'
import { Test } from '@nestjs/testing'
import type { Pool } from 'pg'
import { Broker } from './broker.js'
import { Freshness } from './freshness.js'
import { MessagingModule } from './messaging.module.js'
import { OwnerQuestions } from './owner-questions.js'
import { publishedSource, readPublished, type PublishedSource } from './published.js'
import { ChangePublisher, type ChangePublisherOptions } from './publisher.js'
import { Replica, Replicas } from './replica.js'
import { MemoryReplica, REPLICA_SCHEMA_SQL, TableReplica, type Applied, type ReplicaStore } from './replica-store.js'
import { change, publishedThing, THING_SCHEMA_SQL, thingContract, type ThingState } from './things.fixture.js'
import { ChangeContext, JetStreamServer } from './transport.js'

@Controller()
class ThingReplica {
  constructor(private readonly replicas: Replicas) {}

  @EventPattern<string>('integrations.thing.*')
  changed(@Payload() message: unknown, @Ctx() context: ChangeContext): Promise<void> {
    return this.replicas.handle(message, context)
  }
}

let database: FreshDatabase
let nats: FreshJetStream
let pool: Pool
jest.setTimeout(30_000)

const closing: (() => Promise<unknown>)[] = []

const eventually = (probe: () => boolean | Promise<boolean>): Promise<boolean> =>
  eventuallyWithin(probe, { timeoutMs: 15_000 })

/** Waits until the expectations in it are met. */
const holds = (expectations: () => Promise<void>): Promise<boolean> =>
  eventually(async () => {
    await expectations()
    return true
  })

const broker = (): Broker => {
  const broker = new Broker(nats.url, 'spec')
  closing.push(() => broker.close())
  return broker
}

const publisher = (options: Partial<ChangePublisherOptions> = {}): ChangePublisher => {
  const publisher = new ChangePublisher({
    service: 'integrations',
    pool,
    broker: broker(),
    sources: [publishedThing],
    pollMs: 20,
    heartbeatMs: 100,
    retryMs: 50,
    ackMs: 1000,
    ...options,
  })
  closing.unshift(() => publisher.close())
  publisher.start()
  return publisher
}

interface Reader {
  readonly replica: Replica<ThingState>
  readonly replicas: Replicas
  readonly applied: Applied<ThingState>[]
  readonly server: JetStreamServer
}

const reader = (
  store: ReplicaStore<ThingState> = new MemoryReplica(),
  contract: ChangeContract<ThingState> = thingContract,
  over: Broker = broker(),
): Reader => {
  const freshness = new Freshness()
  const questions = new OwnerQuestions(() => Promise.reject(new Error('nobody to ask')))
  const replica = new Replica(contract, store, freshness, questions)
  const replicas = new Replicas(freshness).add(replica)
  const applied: Applied<ThingState>[] = []
  replica.onApplied((changes) => void applied.push(...changes))
  const server = new JetStreamServer({ broker: over, freshness, lookMs: 50 })
  server.addHandler(
    'integrations.thing.*',
    (data, context: ChangeContext) => replicas.handle(data, context) as never,
    true,
  )
  closing.unshift(() => server.close())
  server.listen(() => undefined)
  return { replica, replicas, applied, server }
}

/** A way to a server that can fall silent without breaking. */
async function lineTo(target: string): Promise<{ url: string; fallSilent(): void; readonly waiting: number }> {
  const url = new URL(target)
  const port = Number(url.port)
  let silent = false
  let waiting = 0
  const sockets: Socket[] = []
  const proxy = createServer((near) => {
    const far = connect(port, url.hostname)
    sockets.push(near, far)
    near.on('data', (data) => {
      if (silent) waiting++
      else far.write(data)
    })
    far.on('data', (data) => void (silent || near.write(data)))
    for (const socket of [near, far]) socket.on('error', () => undefined)
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => proxy.close(resolve))
  })
  url.port = String((proxy.address() as AddressInfo).port)
  return {
    url: url.href,
    fallSilent: () => void (silent = true),
    get waiting() {
      return waiting
    },
  }
}

const manager = async (): Promise<JetStreamManager> => jetstreamManager(await nats.connect())

const stored = async (guid: string): Promise<ChangeMessage<ThingState> | undefined> => {
  // nats-server 2.9 panics when it is asked for a message of a stream that is being created.
  await eventually(async () => (await pool.query('select from broker')).rowCount === 1)
  const message = await (
    await manager()
  ).streams.getMessage('INTEGRATIONS', { last_by_subj: `integrations.thing.${guid}` })
  return message?.json()
}

const outboxIsEmpty = async (): Promise<boolean> => (await pool.query('select from outbox')).rowCount === 0

beforeAll(async () => {
  database = await freshDatabase('empty')
  await database.ownerPool().query('create table public.migrations ()')
  await database.ownerPool().query(logSchema('empty') + THING_SCHEMA_SQL + REPLICA_SCHEMA_SQL)
  pool = database.pool()
  if (!process.env.LOUD) jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined)
  if (!process.env.LOUD) jest.spyOn(Logger.prototype, 'log').mockImplementation(() => undefined)
  if (!process.env.LOUD) jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined)
})

beforeEach(async () => {
  nats = await freshJetStream()
  await database.ownerPool().query('truncate event, outbox, announced, broker, thing, replica')
})

afterEach(async () => {
  for (const close of closing.splice(0)) await close()
  await nats.stop()
})

afterAll(() => database.drop())

describe('a change on its way', () => {
  it('reaches copies in memory and in tables, with what has happened and the version', async () => {
    const guid = randomUUID()
    const started = [reader(), reader(new TableReplica(thingContract, pool))]
    publisher()
    await change(pool, guid, 'one')
    await change(pool, guid, 'two')
    for (const { replica } of started) {
      await holds(async () => {
        expect(await replica.store.find(guid)).toEqual({ version: 2, revision: 1, state: { guid, name: 'two' } })
      })
    }
    expect(await stored(guid)).toMatchObject({
      type: 'ThingChanged',
      version: 2,
      cause: expect.arrayContaining(['ThingNamed']),
    })
    await eventually(outboxIsEmpty)
    expect((await pool.query('select version from announced')).rows).toEqual([{ version: 2 }])
  })

  it('goes through an ordinary Nest controller', async () => {
    const guid = randomUUID()
    await change(pool, guid, 'told')
    const module = await Test.createTestingModule({
      imports: [
        MessagingModule.forRootAsync({
          useFactory: () => ({
            service: 'integrations',
            natsUrl: nats.url,
            publish: { pool, sources: [publishedThing] },
            read: { contracts: [thingContract], ask: () => Promise.reject(new Error('nobody to ask')) },
          }),
        }),
      ],
      controllers: [ThingReplica],
    }).compile()
    const app = module.createNestApplication({ logger: false })
    closing.unshift(() => app.close())
    app.connectMicroservice({ strategy: app.get(JetStreamServer) })
    await app.startAllMicroservices()
    await app.init()
    const replicas = app.get(Replicas)
    await eventually(() => replicas.ready())
    expect(await replicas.of(thingContract).find(guid)).toEqual({ guid, name: 'told' })
  })

  it('is what the owner answers too when it is asked', async () => {
    const guid = randomUUID()
    await change(pool, guid, 'asked')
    expect(await readPublished([publishedThing], pool, 'thing', guid)).toMatchObject({
      version: 1,
      state: { guid, name: 'asked' },
    })
    await change(pool, guid, null)
    expect(await readPublished([publishedThing], pool, 'thing', guid)).toMatchObject({ version: 2, state: null })
    await expect(readPublished([publishedThing], pool, 'thing', randomUUID())).rejects.toMatchObject({
      kind: 'not_found',
    })
    await expect(readPublished([publishedThing], pool, 'grant', guid)).rejects.toMatchObject({ kind: 'not_found' })
  })

  it('leaves a tombstone with the version of the deletion, in NATS and in every copy', async () => {
    const guid = randomUUID()
    publisher()
    const table = reader(new TableReplica(thingContract, pool))
    await change(pool, guid, 'mortal')
    await holds(async () => expect(await table.replica.store.find(guid)).toMatchObject({ version: 1 }))
    await change(pool, guid, null)
    const tombstone = { version: 2, revision: 1, state: null }
    await holds(async () => expect(await table.replica.store.find(guid)).toEqual(tombstone))
    expect(await stored(guid)).toMatchObject({ version: 2, state: null })
    const late = reader()
    await holds(async () => expect(await late.replica.store.find(guid)).toEqual(tombstone))
    await table.replica.handle(
      { ...(await stored(guid)), version: 1, state: { guid, name: 'ghost' } },
      `x.thing.${guid}`,
    )
    expect(await table.replica.store.find(guid)).toEqual(tombstone)
  })

  it('arrives again with a new public member when the revision is raised, without a new version', async () => {
    const guid = randomUUID()
    const old = publisher()
    const { replica } = reader(new TableReplica(thingContract, pool))
    await change(pool, guid, 'x')
    await holds(async () => expect(await replica.store.find(guid)).toMatchObject({ version: 1, revision: 1 }))
    await old.close()
    const source = publishedSource(
      { ...thingContract, revision: 2 },
      `select guid, name, 'new' as mark from thing where guid = $1`,
    )
    publisher({ sources: [source] })
    await holds(async () => {
      expect(await replica.store.find(guid)).toEqual({
        version: 1,
        revision: 2,
        state: { guid, name: 'x', mark: 'new' },
      })
    })
  })

  it('tells a reaction before and after, in the transaction that applies it, once for all processes', async () => {
    const guid = randomUUID()
    const tables = [0, 1].map(() => reader(new TableReplica(thingContract, pool)))
    const inTransaction: boolean[] = []
    for (const { replica } of tables) {
      replica.onApplied(async (_changes, client) => {
        const { rows } = (await client?.query<{ inside: boolean }>(
          `select pg_current_xact_id_if_assigned() is not null as inside`,
        )) ?? { rows: [] }
        inTransaction.push(rows[0]?.inside ?? false)
      })
    }
    publisher()
    await change(pool, guid, 'one')
    await eventually(() => tables.some(({ applied }) => applied.length > 0))
    await change(pool, guid, 'two')
    const told = (): Applied<ThingState>[] =>
      tables.flatMap(({ applied }) => applied).sort((a, b) => a.version - b.version)
    await eventually(() => told().some(({ version }) => version === 2))
    await eventually(() => tables.every(({ replicas }) => replicas.isFresh('integrations')))
    expect(told()).toEqual([
      { guid, version: 1, before: undefined, after: { guid, name: 'one' } },
      { guid, version: 2, before: { guid, name: 'one' }, after: { guid, name: 'two' } },
    ])
    // Both changes may have come in one batch.
    expect(new Set(inTransaction)).toEqual(new Set([true]))
  })
})

describe('two publishers', () => {
  it('R12 never put an older state back: one that slept between reading and publishing finds itself overtaken', async () => {
    const guid = randomUUID()
    await change(pool, guid, 'five')
    let wakeUp: () => void = () => undefined
    let asleep = false
    const sleeping: PublishedSource<ThingState> = {
      contract: thingContract,
      async read(database, guid) {
        const document = await publishedThing.read(database, guid)
        asleep = true
        await new Promise<void>((resolve) => (wakeUp = resolve))
        return document
      },
    }
    const sleeper = publisher({ sources: [sleeping], exclusive: false })
    await eventually(() => asleep)
    publisher({ exclusive: false })
    await change(pool, guid, 'six')
    await holds(async () => expect(await stored(guid)).toMatchObject({ version: 2, state: { name: 'six' } }))
    await eventually(outboxIsEmpty)
    wakeUp()
    await eventually(() => sleeper.statistics.overtaken === 1)
    expect(await stored(guid)).toMatchObject({ version: 2, state: { name: 'six' } })
    const later = reader()
    await holds(async () => expect(await later.replica.store.find(guid)).toMatchObject({ version: 2 }))
  })

  it('share the work by standing by, and the second goes on when the first is gone', async () => {
    const [first, second] = [publisher(), publisher()]
    await change(pool, randomUUID(), 'a')
    await eventually(outboxIsEmpty)
    const leader = first.statistics.published > 0 ? first : second
    const other = leader === first ? second : first
    await change(pool, randomUUID(), 'b')
    await eventually(outboxIsEmpty)
    expect(other.statistics.published).toBe(0)
    await leader.close()
    await change(pool, randomUUID(), 'c')
    await eventually(() => other.statistics.published > 0)
    await eventually(outboxIsEmpty)
  })

  it('outlive the loss of the connection that keeps the lock', async () => {
    const only = publisher()
    const guid = randomUUID()
    await change(pool, guid, 'a')
    await eventually(outboxIsEmpty)
    const { rowCount } = await pool.query(
      `select pg_terminate_backend(pid) from pg_locks
       where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())`,
    )
    expect(rowCount).toBe(1)
    await change(pool, guid, 'b')
    await eventually(() => only.statistics.published > 1)
    await eventually(outboxIsEmpty)
  })

  it('help a leader that keeps its lock and does nothing', async () => {
    const locked = await pool.connect()
    await locked.query('select pg_advisory_lock($1, $2)', [0x6b62, 1])
    closing.push(() => Promise.resolve(locked.release(true)))
    const helper = publisher()
    await change(pool, randomUUID(), 'late')
    await eventually(() => helper.statistics.published === 1)
    await eventually(outboxIsEmpty)
  })
})

describe('what goes wrong', () => {
  it('with one stream stops no other, and the heartbeat says that something is waiting', async () => {
    const [ill, well] = [randomUUID(), randomUUID()]
    let heal = false
    const source: PublishedSource<ThingState> = {
      contract: thingContract,
      read: (database, guid) =>
        guid === ill && !heal ? Promise.reject(new Error('cannot be read')) : publishedThing.read(database, guid),
    }
    const failing = publisher({ sources: [source] })
    await change(pool, ill, 'ill')
    await change(pool, well, 'well')
    await holds(async () => expect(await stored(well)).toMatchObject({ version: 1 }))
    const beat = async (): Promise<Heartbeat> =>
      (await (
        await manager()
      ).streams.getMessage('INTEGRATIONS', { last_by_subj: heartbeatSubject('integrations') }))!.json()
    await holds(async () => {
      const { complete_until, sent_at } = await beat()
      expect(Date.parse(sent_at) - Date.parse(complete_until)).toBeGreaterThan(300)
    })
    expect(failing.statistics).toMatchObject({ deferred: 1, published: 1 })
    heal = true
    await holds(async () => expect(await stored(ill)).toMatchObject({ version: 1 }))
    await holds(async () => {
      const { complete_until, sent_at } = await beat()
      expect(complete_until).toBe(sent_at)
    })
    expect(failing.statistics.deferred).toBe(0)
  })

  it('in a foreign message stops no reader, and the publisher replaces it', async () => {
    const [poisoned, well] = [randomUUID(), randomUUID()]
    publisher()
    const { replica } = reader()
    await change(pool, poisoned, 'x')
    await holds(async () => expect(await replica.store.find(poisoned)).toMatchObject({ version: 1 }))
    await (await manager()).jetstream().publish(`integrations.thing.${poisoned}`, '{"type":"ThingChanged","ver')
    await change(pool, well, 'y')
    await holds(async () => expect(await replica.store.find(well)).toMatchObject({ version: 1 }))
    await eventually(() => replica.parkedCount === 1)
    await change(pool, poisoned, 'z')
    await holds(async () => expect(await replica.store.find(poisoned)).toMatchObject({ version: 2 }))
    expect(replica.parkedCount).toBe(0)
  })

  it('in applying is tried again, and no heartbeat counts before it has succeeded', async () => {
    const guid = randomUUID()
    publisher()
    const { replica, replicas } = reader()
    await eventually(() => replicas.isFresh('integrations'))
    let failures = 0
    replica.onApplied(() => {
      if (failures++ < 5) throw Object.assign(new Error('the database is away'), { code: '57P01' })
    })
    const beforeMs = replicas.freshness('integrations')
    await change(pool, guid, 'x')
    await eventually(() => failures > 3)
    expect(replicas.freshness('integrations')).toBeGreaterThan(beforeMs + 300)
    await holds(async () => expect(await replica.store.find(guid)).toMatchObject({ version: 1 }))
    await eventually(() => replicas.freshness('integrations') < 500)
  })

  it('with NATS, which falls silent, keeps nobody from stopping', async () => {
    const line = await lineTo(nats.url)
    const over = (): Broker => {
      const broker = new Broker(line.url, 'spec')
      closing.push(() => broker.close())
      return broker
    }
    const publishing = publisher({ broker: over(), ackMs: 5000 })
    const { replicas, server } = reader(new MemoryReplica(), thingContract, over())
    await change(pool, randomUUID(), 'one')
    await eventually(() => replicas.isFresh('integrations'))
    line.fallSilent()
    await change(pool, randomUUID(), 'two')
    await eventually(() => line.waiting > 0)
    const began = performance.now()
    await Promise.all([publishing.close(), server.close()])
    expect(performance.now() - began).toBeLessThan(1500)
  })
})

describe('when the database', () => {
  it('loses the connection that applies a change, the change is applied again', async () => {
    const guid = randomUUID()
    const { replica, applied } = reader(new TableReplica(thingContract, pool))
    let losses = 0
    replica.onApplied(async (_changes, client) => {
      if (losses++ > 0) return
      const { rows } = await client!.query<{ pid: number }>('select pg_backend_pid() as pid')
      const lost = new Promise((resolve) => client!.once('end', resolve))
      await pool.query('select pg_terminate_backend($1)', [rows[0]!.pid])
      await lost
    })
    publisher()
    await change(pool, guid, 'one')
    await eventually(() => losses === 2)
    await holds(async () =>
      expect(await new TableReplica(thingContract, pool).find(guid)).toMatchObject({ version: 1 }),
    )
    expect(applied.every((each) => each.guid === guid)).toBe(true)
  })
})

describe('when NATS', () => {
  const guids = Array.from({ length: 300 }, () => randomUUID())
  const whole = async ({ replica }: Reader): Promise<void> => {
    for (const [index, guid] of guids.entries()) {
      const expected = index === 0 ? { version: 2, state: null } : { version: 1, state: { guid, name: `${index}` } }
      expect(await replica.store.find(guid)).toMatchObject(expected)
    }
  }
  const fill = async (): Promise<void> => {
    for (const [index, guid] of guids.entries()) await change(pool, guid, `${index}`)
    await change(pool, guids[0]!, null)
  }

  /** While an old thing is missing, no copy made from this NATS may count as fresh. */
  const growOld = (): Promise<unknown> =>
    database.ownerPool().query(`update event set recorded_at = now() - interval '1 hour'`)

  it('is away, writes do not wait; when it comes, everything does', async () => {
    await nats.kill()
    publisher()
    const memory = reader()
    await fill()
    expect((await pool.query('select from outbox')).rowCount).toBe(guids.length)
    await nats.start()
    await holds(() => whole(memory))
    await eventually(() => memory.replicas.ready())
  })

  it('is restarted, readers and publisher go on', async () => {
    publisher()
    const memory = reader()
    await change(pool, guids[1]!, 'before')
    await eventually(() => memory.replicas.ready())
    await nats.kill()
    await change(pool, guids[1]!, 'while')
    await nats.start()
    await holds(async () => expect(await memory.replica.store.find(guids[1]!)).toMatchObject({ version: 2 }))
    await change(pool, guids[1]!, 'after')
    await holds(async () => expect(await memory.replica.store.find(guids[1]!)).toMatchObject({ version: 3 }))
  })

  it('R08 is wiped, everything is published again, tombstones too, and old and new copies are whole', async () => {
    const [one] = [publisher()]
    const old = reader(new TableReplica(thingContract, pool))
    await fill()
    await holds(() => whole(old))
    await growOld()
    await nats.kill()
    await nats.wipe()
    await nats.start()
    await eventually(() => one.statistics.repairs === 2)
    const young = reader()
    await eventually(() => young.replicas.ready())
    await whole(young)
    await whole(old)
    for (const guid of guids) expect(await stored(guid)).toBeDefined()
    await change(pool, guids[2]!, 'after')
    for (const { replica } of [old, young]) {
      await holds(async () => expect(await replica.store.find(guids[2]!)).toMatchObject({ version: 2 }))
    }
  })

  it('R08 loses its stream under a living connection, readers notice that it is another one', async () => {
    const one = publisher()
    const memory = reader()
    await fill()
    await holds(() => whole(memory))
    await growOld()
    await (await manager()).streams.delete('INTEGRATIONS')
    await eventually(() => one.statistics.repairs === 2)
    await change(pool, guids[1]!, 'after')
    await holds(async () => expect(await memory.replica.store.find(guids[1]!)).toMatchObject({ version: 2 }))
    const young = reader()
    await eventually(() => young.replicas.ready())
    for (const guid of guids) expect(await young.replica.store.find(guid)).toBeDefined()
  })

  it('R08 was put back to an older state, everything is published again', async () => {
    const one = publisher()
    await fill()
    await eventually(outboxIsEmpty)
    await one.close()
    await pool.query('update broker set sequence = sequence + 100000')
    const two = publisher()
    await eventually(() => two.statistics.repairs === 1)
    await eventually(outboxIsEmpty)
    const { published, overtaken } = two.statistics
    expect(published + overtaken).toBe(guids.length)
  })
})
