import { jest } from '@jest/globals'
import { spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { ChangeMessage } from '#libs/contracts'
import { logSchema } from '#libs/event-sourcing'
import { eventually, freshDatabase, freshJetStream, type FreshDatabase, type FreshJetStream } from '#libs/testing'
import { DeliverPolicy, jetstream } from '@nats-io/jetstream'
import { Logger } from '@nestjs/common'
import type { Pool } from 'pg'
import { Broker } from './broker.js'
import { Freshness } from './freshness.js'
import { MemoryReplica } from './replica-store.js'
import { Replica } from './replica.js'
import { changeWithin, THING_SCHEMA_SQL, thingContract, type ThingState } from './things.fixture.js'
import { ChangeContext, JetStreamServer } from './transport.js'

jest.setTimeout(180_000)

const WRITERS = 8
const EVENTS = 20_000
const THINGS = 400

const random = (below: number): number => Math.floor(Math.random() * below)

/** Appends until so many events are in the log: several to a transaction, late commits, one in ten taken back. */
async function write(pool: Pool, guids: readonly string[], events: number): Promise<void> {
  let written = 0
  const writer = async (): Promise<void> => {
    const client = await pool.connect()
    try {
      while (written < events) {
        const guid = guids[random(guids.length)]!
        const count = 1 + random(4)
        try {
          await client.query('begin')
          await changeWithin(client, guid, random(20) === 0 ? null : `${random(1e9)}`, count)
          if (random(4) === 0) await delay(random(12))
          const takenBack = random(10) === 0
          await client.query(takenBack ? 'rollback' : 'commit')
          if (!takenBack) written += count
        } catch (error) {
          await client.query('rollback')
          const { code } = error as { code?: string }
          if (code !== '23505' && code !== '40P01') throw error
        }
      }
    } finally {
      client.release()
    }
  }
  await Promise.all(Array.from({ length: WRITERS }, writer))
}

/** A publisher in a process of its own. */
class Publisher {
  readonly #lines: string[] = []
  readonly #child: ChildProcess

  constructor(way: 'exclusive' | 'free' | 'position', database: FreshDatabase, nats: FreshJetStream, sleepAfter = 0) {
    const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
    const command = ['--import', file('../../testing/src/jest/source-loader.js'), file('./ordering.child.ts')]
    this.#child = spawn(process.execPath, [...command, way, database.url, nats.url, `${sleepAfter}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#lines.push(...text.split('\n')))
  }

  said(beginning: string): string | undefined {
    return this.#lines.findLast((line) => line.startsWith(beginning))
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}

/** A reader that lives through all of it, and every version it saw take effect. */
function liveReader(nats: FreshJetStream): {
  store: MemoryReplica<ThingState>
  seen: Map<string, number[]>
  close(): Promise<void>
} {
  const store = new MemoryReplica<ThingState>()
  const seen = new Map<string, number[]>()
  const freshness = new Freshness()
  const replica = new Replica(thingContract, store, freshness)
  replica.onApplied((changes) => {
    for (const { guid, version } of changes) seen.set(guid, [...(seen.get(guid) ?? []), version])
  })
  const broker = new Broker(nats.url, 'reader')
  const server = new JetStreamServer({ broker, freshness })
  server.addHandler(
    'integrations.thing.*',
    (data, context: ChangeContext) => replica.handle(data, context.getSubject()) as never,
    true,
  )
  server.listen(() => undefined)
  return {
    store,
    seen,
    close: async () => {
      await server.close()
      await broker.close()
    },
  }
}

/** What the log says about each thing at the end. */
async function truth(pool: Pool): Promise<Map<string, Pick<ChangeMessage<ThingState>, 'version' | 'state'>>> {
  const { rows } = await pool.query<{ guid: string; version: number; name: string | null }>(
    `select substr(stream_id, 7) as guid, max(version) as version, min(name) as name
     from event left join thing on guid::text = substr(stream_id, 7) group by stream_id`,
  )
  return new Map(
    rows.map(({ guid, version, name }) => [guid, { version, state: name === null ? null : { guid, name } }]),
  )
}

/** The last message that NATS holds of each thing: what a reader that starts tomorrow will believe. */
async function storedMessages(
  nats: FreshJetStream,
): Promise<Map<string, Pick<ChangeMessage<ThingState>, 'version' | 'state'>>> {
  const consumer = await jetstream(await nats.connect()).consumers.get('INTEGRATIONS', {
    deliver_policy: DeliverPolicy.LastPerSubject,
    filter_subjects: 'integrations.thing.*',
  })
  const { num_pending } = await consumer.info(true)
  const stored = new Map<string, Pick<ChangeMessage<ThingState>, 'version' | 'state'>>()
  if (num_pending === 0) return stored
  for await (const message of await consumer.fetch({ max_messages: num_pending, expires: 5000 })) {
    const { version, state } = message.json<ChangeMessage<ThingState>>()
    stored.set(message.subject.slice('integrations.thing.'.length), { version, state })
  }
  return stored
}

describe('the order of changes', () => {
  let database: FreshDatabase
  let nats: FreshJetStream
  let pool: Pool
  let guids: string[]
  const publishers = new Set<Publisher>()
  const closing: (() => Promise<void>)[] = []
  const start = (...args: ConstructorParameters<typeof Publisher>): Publisher => {
    const publisher = new Publisher(...args)
    publishers.add(publisher)
    return publisher
  }

  beforeEach(async () => {
    jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined)
    database = await freshDatabase('empty')
    await database.ownerPool().query('create table public.migrations ()')
    await database.ownerPool().query(logSchema('empty') + THING_SCHEMA_SQL)
    nats = await freshJetStream()
    pool = database.pool({ max: WRITERS + 2 })
    guids = Array.from({ length: THINGS }, () => randomUUID())
  })

  afterEach(async () => {
    await Promise.all([...publishers].map((publisher) => publisher.kill()))
    publishers.clear()
    await Promise.all(closing.splice(0).map((close) => close()))
    await nats.stop()
    await database.drop()
  })

  it('R12 survives writers that commit late and publishers that are killed and stopped: every last state is stored', async () => {
    const reader = liveReader(nats)
    closing.push(reader.close)
    let writing = true
    const writers = write(pool, guids, EVENTS).finally(() => (writing = false))
    const sleeper = start('free', database, nats, 50)
    const steady = start('free', database, nats)
    let kills = 0
    const executioner = async (): Promise<void> => {
      while (writing) {
        const victim = start(kills % 2 ? 'exclusive' : 'free', database, nats)
        await eventually(() => victim.said('started') !== undefined, { timeoutMs: 60_000 })
        await delay(random(800))
        await victim.kill()
        kills++
      }
    }
    const executions = executioner()
    const [, guid = '', version = '0'] = (
      await eventually(() => sleeper.said('stopping'), { timeoutMs: 60_000 })
    ).split(' ')
    await writers
    await executions
    expect(kills).toBeGreaterThan(2)
    const outboxIsEmpty = async (): Promise<boolean> => (await pool.query('select from outbox')).rowCount === 0
    await eventually(outboxIsEmpty, { timeoutMs: 60_000 })

    // All is said and done, and it still holds an old state in its hand.
    expect((await storedMessages(nats)).get(guid)?.version).toBeGreaterThan(Number(version))
    sleeper.signal('SIGCONT')
    sleeper.signal('SIGTERM')
    expect(await eventually(() => sleeper.said('ended'), { timeoutMs: 60_000 })).not.toBe('ended 0')
    await steady.kill()
    const { rows } = await pool.query<{ count: number }>('select count(*)::int from event')
    expect(rows[0]?.count).toBeGreaterThanOrEqual(EVENTS)
    const expected = await truth(pool)
    expect(expected.size).toBe(THINGS)
    expect(await storedMessages(nats)).toEqual(expected)

    const arrived = (): unknown =>
      new Map([...expected.keys()].map((each) => [each, versionAndState(reader.store, each)]))
    await eventually(
      () => {
        expect(arrived()).toEqual(expected)
        return true
      },
      { timeoutMs: 20_000 },
    )
    for (const versions of reader.seen.values()) {
      expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b))
    }
  })

  it('R12 is lost when positions are polled instead of an outbox: this proof can fail', async () => {
    const poller = start('position', database, nats)
    await eventually(() => poller.said('idle') !== undefined, { timeoutMs: 60_000 })
    await write(pool, guids, EVENTS)
    const { rows } = await pool.query<{ last: string }>('select max(position)::text as last from event')
    await eventually(() => poller.said('idle') === `idle ${rows[0]?.last}`, { timeoutMs: 60_000 })
    const stored = await storedMessages(nats)
    const expected = await truth(pool)
    const lost = [...expected].filter(([guid, { version }]) => (stored.get(guid)?.version ?? 0) < version)
    expect(lost.length).toBeGreaterThan(0)
  })
})

function versionAndState(store: MemoryReplica<ThingState>, guid: string): unknown {
  const held = store.peek(guid)
  return held && { version: held.version, state: held.state }
}
