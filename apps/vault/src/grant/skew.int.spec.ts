import { randomUUID } from 'node:crypto'
import { jest } from '@jest/globals'
import { mustKeepTime } from '#libs/event-sourcing'
import { newHouse, World } from '../house.fixture.js'
import { grantStream } from './grant.stream.js'

const house = await newHouse()
afterAll(() => house.close())

const { provider } = house
const vault = house.process()
let world: World
beforeEach(async () => {
  world = house.world()
  provider.calls.length = 0
  provider.fault = undefined
  await vault.tellAll(world)
})
afterEach(() => jest.useRealTimers())

const MINUTES = 60_000

/** From now on this process' wall clock is wrong; its monotonic clock, its timers and the database's clock are not. */
const beWrongBy = (milliseconds: number): void => {
  const doNotFake = [
    ...(['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'clearImmediate'] as const),
    ...(['nextTick', 'queueMicrotask', 'performance', 'hrtime'] as const),
  ]
  jest.useFakeTimers({ now: Date.now() + milliseconds, doNotFake })
}

const secondsLeftOf = async (): Promise<number> => {
  const { rows } = await vault.pool.query<{ left: number }>(
    `select extract(epoch from expires_at - clock_timestamp())::float as left from oauth_grant where guid = $1`,
    [world.grantGuid],
  )
  return rows[0]!.left
}

describe('R11 I10 a process', () => {
  it.each([-59, 0, 59])('is ready with a clock that is %i s off the database’s', async (seconds) => {
    beWrongBy(seconds * 1_000)
    await mustKeepTime(vault.pool)
  })

  it.each([-61, 61, 600, -3_600])('is not ready with a clock that is %i s off', async (seconds) => {
    beWrongBy(seconds * 1_000)
    await expect(mustKeepTime(vault.pool)).rejects.toThrow(/^the clock is \d+ s off the database's$/)
  })
})

describe.each([
  ['ten minutes fast', 10 * MINUTES],
  ['ten minutes slow', -10 * MINUTES],
  ['an hour slow', -60 * MINUTES],
])('R11 a process whose clock is %s', (_name, skew) => {
  it('gives out a token that is good, and asks nobody', async () => {
    await vault.grant(world, 3_000)
    const form = await world.form()
    const right = Date.now()
    beWrongBy(skew)
    expect(Math.round((Date.now() - right) / MINUTES)).toBe(skew / MINUTES)
    expect((await vault.exchanged(world, form)).accessToken.reveal()).toBe('access-0')
    expect(provider.calls).toHaveLength(0)
  })

  it('renews one that has ended, and knows how long the new one is good', async () => {
    await vault.grant(world, -1)
    const form = await world.form()
    beWrongBy(skew)
    expect((await vault.exchanged(world, form)).accessToken.reveal()).toMatch(/^access-[1-9]/)
    const left = await secondsLeftOf()
    expect(left).toBeGreaterThan(3_590)
    expect(left).toBeLessThanOrEqual(3_600)
  })

  it('leaves another its lease until that has ended by the database’s clock, and takes over then', async () => {
    await vault.grant(world, -1)
    const form = await world.form()
    const { rows } = await vault.pool.query<{ now: Date }>('select clock_timestamp() as now')
    const context = { actor: { type: 'service', name: 'vault' }, commandId: randomUUID() }
    const lease = { generation: 1, attempt: randomUUID(), leaseMilliseconds: 800, rotation: 'single_use' } as const
    const began = performance.now()
    await vault.streams.handle(
      grantStream,
      world.grantGuid,
      { type: 'BeginRefresh', ...lease, now: rows[0]!.now },
      context,
    )
    beWrongBy(skew)
    await vault.exchanged(world, form)
    expect(performance.now() - began).toBeGreaterThan(750)
    expect(provider.calls).toHaveLength(1)
  })
})
