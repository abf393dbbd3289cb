import { jest } from '@jest/globals'
import { eventually } from '#libs/testing'
import type { Instance, LogLine } from './house.js'
import { print } from './print.js'
import { ownsPort } from './socket-owner.js'
import { type Exchanged, World } from './world.js'

jest.setTimeout(90_000)

const CONCURRENT = 300
const CREDENTIALS_PATH = '/__api__/v1/oauth/integrations/credentials'

/** A connection that does something, or keeps something open, for longer than anything that a waiter has to do. */
const HELD = `
  select state, query, extract(epoch from clock_timestamp() - coalesce(xact_start, query_start)) * 1000 as ms
  from pg_stat_activity
  where usename = 'vault' and backend_type = 'client backend' and state <> 'idle'
    and clock_timestamp() - coalesce(xact_start, query_start) > interval '100 milliseconds'`

describe('R01 many exchanges of one expired token, over two vaults', () => {
  let world: World
  let key: string
  let content: string

  beforeAll(async () => {
    const deadlines = { TokenRequestTimeout: '1500ms', RefreshLease: '2s', RefreshWait: '12s', RouteTimeout: '15s' }
    const settings = Object.entries(deadlines).map(([name, value]) => `Exchange.${name}=${value}`)
    world = await World.start({ replicas: { vault: 2 }, settings })
    const alice = world.person('alice')
    await alice.logIn()
    key = await alice.makeKey('owner')
    content = await world.makeContent(key, 'probe', world.probe.url, [await world.makeIntegration(key)])
  })
  afterAll(() => world?.stop())

  /** The token of a viewer whose access token at the vendor has just expired. */
  async function expired(username: string): Promise<string> {
    await world.setFaults({ account: username, access_token_seconds: 1 })
    await world.person(username).consent(content)
    await eventually(async () => (await world.journal()).latest_token_live[username] === false)
    return world.probe.tokenOf(username)
  }

  const refreshes = async (username: string) => (await world.journal()).by_account[username]?.refresh_token ?? 0
  const exchangeAll = (token: string) =>
    Promise.all(Array.from({ length: CONCURRENT }, () => world.exchange(key, token)))
  const statuses = (answers: readonly Exchanged[]) => new Set(answers.map(({ status }) => status))
  const tokens = (answers: readonly Exchanged[]) => new Set(answers.map(({ token }) => token))

  async function eventsOf(type: string): Promise<number> {
    const { rows } = await world.house
      .pool('vault')
      .query<{ count: number }>('select count(*)::int as count from log.event where type = $1', [type])
    return rows[0]?.count ?? 0
  }

  it(`asks the provider once for ${CONCURRENT}, and holds no database connection meanwhile`, async () => {
    await world.setFaults()
    await world.person('priya').consent(content)
    const others = world.probe.tokenOf('priya')
    const token = await expired('vera')
    await world.setFaults({ grant_type: 'refresh_token', delay_ms: 500 })
    const exchanges = exchangeAll(token)
    await eventually(async () => (await world.journal()).in_flight === 1)
    const held: unknown[] = []
    const waits: number[] = []
    let samples = 0
    while ((await world.journal()).in_flight === 1) {
      held.push(...(await world.house.pool('vault').query(HELD)).rows)
      // Somebody else is served meanwhile, and long before the provider has answered.
      const began = performance.now()
      expect(await world.exchange(key, others)).toMatchObject({ status: 200 })
      if ((await world.journal()).in_flight === 1) waits.push(performance.now() - began)
      samples++
    }
    print(`others waited ${waits.map((each) => `${Math.round(each)} ms`).join(', ')} while the provider was thinking`)
    const answers = await exchanges
    expect(statuses(answers)).toEqual(new Set([200]))
    expect(tokens(answers).size).toBe(1)
    expect(await refreshes('vera')).toBe(1)
    expect((await world.journal()).refresh_tokens_reused).toBe(0)
    expect(samples).toBeGreaterThan(0)
    expect(held).toEqual([])
    // Both replicas had a share in it.
    for (const name of ['vault', 'vault-2']) {
      expect(exchangesIn(name).length).toBeGreaterThan(CONCURRENT / 10)
    }
  })

  it('is taken over once when the refreshing vault is killed before the provider was reached', async () => {
    const token = await expired('victor')
    const [begun, refreshed] = [await eventsOf('RefreshBegun'), await eventsOf('TokenRefreshed')]
    await world.setFaults({ grant_type: 'refresh_token', when: 'before_arrival', delay_ms: 60_000, times: 1 })
    const marks = new Map(['vault', 'vault-2'].map((name) => [name, world.house.logs(name).length]))
    const exchanges = exchangeAll(token)
    const holder = await eventually(async () => holderOf((await world.journal()).held))
    const formerPid = world.house.kill(holder.name)
    const answers = await exchanges

    const served = answers.filter(({ status }) => status === 200)
    expect(served.length).toBeGreaterThan(CONCURRENT / 10)
    expect(tokens(served).size).toBe(1)
    // Whoever reached a living vault was served; the others were told that theirs is gone.
    await eventually(() => {
      const ended = [...marks].flatMap(([name, mark]) => exchangesIn(name, mark))
      expect(new Set(ended.map(({ status }) => status))).toEqual(new Set([200]))
      return ended.length === served.length
    })
    expect([...statuses(answers)].filter((status) => ![200, 502, 503].includes(status))).toEqual([])

    expect(await refreshes('victor')).toBe(1)
    expect((await world.journal()).refresh_tokens_reused).toBe(0)
    expect((await eventsOf('RefreshBegun')) - begun).toBe(2)
    expect((await eventsOf('TokenRefreshed')) - refreshed).toBe(1)

    await world.house.restarted(holder.name, formerPid)
    const again = await exchangeAll(token)
    expect(statuses(again)).toEqual(new Set([200]))
    expect(tokens(again)).toEqual(tokens(served))
    expect(await refreshes('victor')).toBe(1)
  })

  /** Which vault has the connection that the vendor holds up. */
  function holderOf([port]: readonly number[]): Instance | undefined {
    const vaults = world.house.services.filter(({ service }) => service === 'vault')
    return vaults.find(({ pid }) => pid !== undefined && port !== undefined && ownsPort(pid, port))
  }

  /** What a process has logged of exchanges that have ended, from a line on. */
  function exchangesIn(name: string, from = 0): LogLine[] {
    return world.house
      .logs(name)
      .slice(from)
      .filter(({ path }) => path === CREDENTIALS_PATH)
  }
})
