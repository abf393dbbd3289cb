import { randomUUID } from 'node:crypto'
import { ConcurrencyConflict, endOf, NO_STREAM, type Append, type EventStore, type StreamEnd } from './event-store.js'
import { brokenAt } from './hash-chain.js'

const newStream = (): string => `thing-${randomUUID()}`

export function appendOf(streamId: string, expected: StreamEnd, ...types: string[]): Append {
  return {
    streamId,
    expected,
    events: types.map((type) => ({ type, schemaVersion: 1, data: JSON.stringify({ note: `ü "${type}"` }) })),
    meta: { actor: { type: 'service', name: 'spec' }, at: new Date(0).toISOString(), command_id: randomUUID() },
    published: true,
  }
}

/** What every store promises. Call it inside a `describe`. */
export function eventStoreContract(makeStore: () => EventStore): void {
  let store: EventStore
  beforeAll(() => {
    store = makeStore()
  })

  it('has no events for a stream that nobody has written', async () => {
    expect(await store.read(newStream())).toEqual([])
  })

  it('gives back what was appended, byte for byte and in order', async () => {
    const stream = newStream()
    const appended = await store.append(appendOf(stream, NO_STREAM, 'Opened', 'Renamed', 'Closed'))
    const events = await store.read(stream)
    expect(events).toEqual(appended)
    expect(events.map(({ version, type }) => [version, type])).toEqual([
      [1, 'Opened'],
      [2, 'Renamed'],
      [3, 'Closed'],
    ])
    expect(events[1]?.data).toBe('{"note":"ü \\"Renamed\\""}')
  })

  it('gives a stream from the last event of the given types on, or all of it, and what a command did long before', async () => {
    const stream = newStream()
    const first = appendOf(stream, NO_STREAM, 'Opened', 'Renamed')
    await store.append(first)
    expect(await store.read(stream, ['Closed'])).toHaveLength(2)
    const second = appendOf(stream, endOf(await store.read(stream)), 'Closed', 'Renamed', 'Closed', 'Renamed')
    const appended = await store.append(second)
    const all = await store.read(stream)
    for (const types of [['Closed'], ['Closed', 'Opened']])
      expect(await store.read(stream, types)).toEqual(appended.slice(2))
    const pastOf = (commandId: string) => store.pastOf(stream, commandId, ['Closed'])
    expect(await pastOf(first.meta.command_id)).toEqual({ events: appended.slice(2), former: all.slice(0, 2) })
    expect(await pastOf(second.meta.command_id)).toEqual({ events: appended.slice(2), former: appended })
    expect(await pastOf(randomUUID())).toEqual({ events: appended.slice(2), former: [] })
    expect(await store.pastOf(stream, first.meta.command_id)).toEqual({ events: all, former: all.slice(0, 2) })
    expect(await store.pastOf(newStream(), first.meta.command_id, ['Closed'])).toEqual({ events: [], former: [] })
  })

  it('goes on with the chain behind what was left out', async () => {
    const stream = newStream()
    await store.append(appendOf(stream, NO_STREAM, 'Opened', 'Renamed', 'Closed'))
    await store.append(appendOf(stream, endOf(await store.read(stream, ['Closed'])), 'Renamed'))
    const events = await store.read(stream)
    expect(events.map(({ version }) => version)).toEqual([1, 2, 3, 4])
    expect(brokenAt(events)).toBeUndefined()
  })

  it('gives rising positions inside a stream', async () => {
    const stream = newStream()
    await store.append(appendOf(stream, NO_STREAM, 'Opened', 'Renamed'))
    await store.append(appendOf(stream, endOf(await store.read(stream)), 'Closed'))
    const positions = (await store.read(stream)).map(({ position }) => BigInt(position))
    expect([...positions].sort((a, b) => (a < b ? -1 : 1))).toEqual(positions)
    expect(new Set(positions).size).toBe(3)
  })

  it('refuses an append at a version that is taken, and keeps nothing of it', async () => {
    const stream = newStream()
    await store.append(appendOf(stream, NO_STREAM, 'Opened'))
    await expect(store.append(appendOf(stream, NO_STREAM, 'Opened', 'Renamed'))).rejects.toThrow(ConcurrencyConflict)
    expect(await store.read(stream)).toHaveLength(1)
  })

  it('keeps which request a command changed nothing for, once, and apart for each stream', async () => {
    const [stream, other] = [newStream(), newStream()]
    const [command, one, two] = [randomUUID(), randomUUID(), randomUUID()]
    expect(await store.unchangedBy(stream, command)).toBeUndefined()
    expect(await store.noteUnchanged(stream, command, one)).toBe(true)
    expect(await store.noteUnchanged(stream, command, one)).toBe(true)
    expect(await store.noteUnchanged(stream, command, two)).toBe(false)
    expect(await store.unchangedBy(stream, command)).toBe(one)
    expect(await store.unchangedBy(other, command)).toBeUndefined()
    expect(await store.read(stream)).toEqual([])
  })

  it('begins many streams at once, each with a chain of its own, or none of them', async () => {
    const [one, two, three] = [newStream(), newStream(), newStream()]
    const { events, ...rest } = appendOf(one, NO_STREAM, 'Opened', 'Renamed')
    const begin = (...names: string[]) =>
      store.begin({ ...rest, streams: names.map((streamId) => ({ streamId, events })) })
    const begun = await begin(one, two)
    expect(begun.map(({ streamId, version }) => [streamId, version])).toEqual([
      [one, 1],
      [one, 2],
      [two, 1],
      [two, 2],
    ])
    for (const stream of [one, two]) {
      const events = await store.read(stream)
      expect(events).toEqual(begun.filter(({ streamId }) => streamId === stream))
      expect(brokenAt(events)).toBeUndefined()
    }
    await expect(begin(three, two)).rejects.toThrow(ConcurrencyConflict)
    expect(await store.read(three)).toEqual([])
  })

  it('lets one of ten writers at one version win', async () => {
    const stream = newStream()
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, () => store.append(appendOf(stream, NO_STREAM, 'Opened'))),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const refusals = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []))
    expect(refusals).toHaveLength(9)
    for (const refusal of refusals) expect(refusal).toBeInstanceOf(ConcurrencyConflict)
    expect(await store.read(stream)).toHaveLength(1)
  })

  it('chains each stream so that a changed event shows', async () => {
    const stream = newStream()
    await store.append(appendOf(stream, NO_STREAM, 'Opened', 'Renamed'))
    await store.append(appendOf(stream, endOf(await store.read(stream)), 'Closed'))
    const events = await store.read(stream)
    expect(brokenAt(events)).toBeUndefined()
    expect(brokenAt(events.map((event) => (event.version === 2 ? { ...event, data: '{}' } : event)))).toBe(2)
    expect(brokenAt(events.filter(({ version }) => version !== 2))).toBe(3)
  })
}
