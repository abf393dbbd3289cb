import { randomUUID } from 'node:crypto'
import type { Decider } from './decider.js'
import { ConcurrencyConflict, type Append, type StoredEvent } from './event-store.js'
import { MemoryEventStore } from './memory-event-store.js'
import { defineStream } from './stream-definition.js'
import { IdempotencyConflict, Streams } from './streams.js'

type CounterEvent = { type: 'Added'; data: { amount: number } }
type CounterCommand = { type: 'Add'; amount: number }

const decider: Decider<CounterCommand, CounterEvent, number> = {
  initial: 0,
  decide: (command) => (command.amount === 0 ? [] : [{ type: 'Added', data: { amount: command.amount } }]),
  evolve: (state, event) => state + event.data.amount,
}
const counter = defineStream({ category: 'counter', decider, projections: [], published: true })
const add = (amount: number): CounterCommand => ({ type: 'Add', amount })
const context = (commandId: string = randomUUID(), requestFingerprint?: string) => ({
  actor: { type: 'service', name: 'spec' },
  commandId,
  requestFingerprint,
})

describe('handling a command', () => {
  it('appends what was decided and answers the new state', async () => {
    const store = new MemoryEventStore()
    const handled = await new Streams(store).handle(counter, 'a', add(2), context())
    expect(handled).toMatchObject({ state: 2, version: 1, repeated: false })
    expect(store.outbox).toEqual(new Map([['counter-a', 1]]))
  })

  it('writes nothing when nothing changes', async () => {
    const store = new MemoryEventStore()
    expect(await new Streams(store).handle(counter, 'a', add(0), context())).toMatchObject({ events: [], version: 0 })
    expect(store.outbox.size).toBe(0)
  })

  it('finds the events of a repeated command instead of acting twice', async () => {
    const streams = new Streams(new MemoryEventStore())
    const commandId = randomUUID()
    const first = await streams.handle(counter, 'a', add(2), context(commandId))
    await streams.handle(counter, 'a', add(5), context())
    const again = await streams.handle(counter, 'a', add(2), context(commandId))
    expect(again).toMatchObject({ events: first.events, state: 7, version: 2, repeated: true })
  })

  it('refuses the same command id for another request', async () => {
    const streams = new Streams(new MemoryEventStore())
    const commandId = randomUUID()
    await streams.handle(counter, 'a', add(2), context(commandId, 'one'))
    await expect(streams.handle(counter, 'a', add(3), context(commandId, 'two'))).rejects.toThrow(IdempotencyConflict)
  })

  it('H13 knows a command that changed nothing: its repeat changes nothing, and another request is refused', async () => {
    const streams = new Streams(new MemoryEventStore())
    const commandId = randomUUID()
    const keyed = (fingerprint: string) => context(commandId, fingerprint)
    await streams.handle(counter, 'a', add(0), keyed('one'))
    await streams.handle(counter, 'a', add(4), context())
    expect(await streams.handle(counter, 'a', add(9), keyed('one'))).toMatchObject({
      events: [],
      state: 4,
      version: 1,
      repeated: true,
    })
    expect(await streams.former(counter, 'a', keyed('one'))).toMatchObject({ events: [], repeated: true })
    for (const amount of [0, 3]) {
      await expect(streams.handle(counter, 'a', add(amount), keyed('two'))).rejects.toThrow(IdempotencyConflict)
    }
    await expect(streams.former(counter, 'a', keyed('two'))).rejects.toThrow(IdempotencyConflict)
    expect(await streams.load(counter, 'a')).toEqual({ state: 4, version: 1 })
    // The same id at another stream is another command.
    expect(await streams.handle(counter, 'b', add(1), keyed('two'))).toMatchObject({ state: 1, repeated: false })
  })

  it('loads a stream from where its state begins, and knows a command from long before', async () => {
    type Event = { type: 'Set' | 'Touched'; data: { to: number } }
    const evolved: string[] = []
    const dial = defineStream<Event, Event, number>({
      category: 'dial',
      decider: {
        initial: 0,
        decide: (event) => [event],
        evolve: (state, { type, data }) => {
          evolved.push(type)
          return type === 'Set' ? data.to : state + data.to
        },
      },
      foldsFrom: ['Set'],
      projections: [],
      published: false,
    })
    const streams = new Streams(new MemoryEventStore())
    const commandId = randomUUID()
    const set = (to: number): Event => ({ type: 'Set', data: { to } })
    const touch: Event = { type: 'Touched', data: { to: 1 } }
    const first = await streams.handle(dial, 'a', touch, context(commandId))
    for (const event of [touch, set(7), touch, set(9)]) await streams.handle(dial, 'a', event, context())
    evolved.length = 0
    expect(await streams.handle(dial, 'a', touch, context())).toMatchObject({ state: 10, version: 6, repeated: false })
    expect(evolved).toEqual(['Set', 'Touched'])
    const again = await streams.handle(dial, 'a', set(1), context(commandId))
    expect(again).toMatchObject({ events: first.events, state: 10, version: 6, repeated: true })
    expect(await streams.load(dial, 'a')).toEqual({ state: 10, version: 6 })
  })

  it('begins many streams at once, and leaves out those to which nothing happens', async () => {
    const store = new MemoryEventStore()
    let woken = 0
    const streams = new Streams(store, { wake: () => woken++ })
    const commands = new Map([
      ['a', add(2)],
      ['b', add(0)],
      ['c', add(3)],
    ])
    await streams.begin(counter, commands, context())
    expect([...store.outbox]).toEqual([
      ['counter-a', 1],
      ['counter-c', 1],
    ])
    expect(woken).toBe(1)
    expect(await streams.load(counter, 'c')).toEqual({ state: 3, version: 1 })
    await expect(streams.begin(counter, commands, context())).rejects.toThrow(ConcurrencyConflict)
  })

  it('queues fifty commands on one stream without a conflict', async () => {
    const store = new MemoryEventStore()
    const streams = new Streams(store)
    await Promise.all(Array.from({ length: 50 }, () => streams.handle(counter, 'a', add(1), context())))
    expect(await streams.load(counter, 'a')).toEqual({ state: 50, version: 50 })
  })

  it('decides again when another process was first', async () => {
    const store = new MemoryEventStore()
    const [here, there] = [new Streams(store), new Streams(store)]
    await Promise.all(
      [here, there].flatMap((streams) =>
        Array.from({ length: 10 }, () => streams.handle(counter, 'a', add(1), context())),
      ),
    )
    expect((await here.load(counter, 'a')).state).toBe(20)
  })

  it('takes a lost answer to a commit for what the log says it was', async () => {
    class LosesAnswers extends MemoryEventStore {
      override async append(append: Append): Promise<readonly StoredEvent[]> {
        await super.append(append)
        throw new Error('Connection terminated unexpectedly')
      }
    }
    const handled = await new Streams(new LosesAnswers()).handle(counter, 'a', add(2), context())
    expect(handled).toMatchObject({ state: 2, version: 1 })
  })

  it('passes on a failure that left nothing behind', async () => {
    class Fails extends MemoryEventStore {
      override append(): Promise<readonly StoredEvent[]> {
        return Promise.reject(new Error('disk full'))
      }
    }
    await expect(new Streams(new Fails()).handle(counter, 'a', add(2), context())).rejects.toThrow('disk full')
  })

  it('gives up after a while when others are always first', async () => {
    class AlwaysLate extends MemoryEventStore {
      override append({ streamId }: Append): Promise<readonly StoredEvent[]> {
        return Promise.reject(new ConcurrencyConflict(streamId))
      }
    }
    await expect(
      new Streams(new AlwaysLate(), { retryForMs: 100 }).handle(counter, 'a', add(2), context()),
    ).rejects.toThrow(ConcurrencyConflict)
  })
})
