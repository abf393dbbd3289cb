import { randomUUID } from 'node:crypto'
import type { Quirk, Rotation } from '#libs/contracts'
import { rotationOf } from '#libs/oauth'
import { Metrics } from '#libs/service'
import { eventually } from '#libs/testing'
import { CONSENT_URL, newHouse, type VaultProcess, type World } from '../house.fixture.js'
import { grantStream, tokenPlace } from './grant.stream.js'
import { RefreshMetrics } from './refresh-metrics.js'
import { RefreshSweep } from './refresh-sweep.js'
import { Refreshes } from './refresh.js'

const house = await newHouse()
const { provider } = house
const vault = house.process()
const registry = new Metrics()
const refreshes = refreshesOf(vault)
const sweep = new RefreshSweep(vault.pool, vault.grants, refreshes, vault.safe, vault.settings)

afterAll(async () => {
  await sweep.beforeApplicationShutdown()
  await house.close()
})

function refreshesOf({ pool, streams, grants, safe, secrets, calls, idTokens, settings }: VaultProcess): Refreshes {
  return new Refreshes(pool, streams, grants, safe, secrets, calls, idTokens, settings, new RefreshMetrics(registry))
}

let world: World
beforeEach(() => {
  world = house.world()
  provider.calls.length = 0
  provider.fault = undefined
  provider.rotates = true
  provider.refreshToken = `first-of-${world.grantGuid}`
})

const CLASSES: readonly (readonly [Rotation, Quirk[]])[] = [
  ['kept', ['refresh_token_reuse_allowed']],
  ['grace', ['refresh_token_reuse_in_grace']],
  ['single_use', ['single_use_refresh_token']],
  ['family', ['refresh_token_reuse_ends_grant']],
]

async function authorized(quirks: Quirk[], secondsLeft = -1): Promise<void> {
  await vault.tellAll(world)
  await vault.tell('integration', world.integrationGuid, world.integration({ quirks }), 2)
  await vault.grant(world, secondsLeft)
}

/** As a process leaves it that dies with the lease; `leaseMs` ago it began. */
async function dies(quirks: Quirk[], leaseMs = 10): Promise<string> {
  const { rows } = await vault.pool.query<{ now: Date }>('select clock_timestamp() as now')
  const attempt = randomUUID()
  const lease = { generation: 1, attempt, now: rows[0]!.now, leaseMilliseconds: leaseMs, rotation: rotationOf(quirks) }
  const context = { actor: { type: 'service', name: 'vault' }, commandId: randomUUID() } as const
  await vault.streams.handle(grantStream, world.grantGuid, { type: 'BeginRefresh', ...lease }, context)
  return attempt
}

const eventsOf = async (): Promise<{ type: string; data: Record<string, unknown> }[]> => {
  const { rows } = await vault.pool.query<{ type: string; data: string }>(
    'select type, data from event where stream_id = $1 order by version',
    [`grant-${world.grantGuid}`],
  )
  return rows.map(({ type, data }) => ({ type, data: JSON.parse(data) as Record<string, unknown> }))
}

const statusOf = async (): Promise<unknown> =>
  (
    await vault.pool.query('select status, generation, consent_reason from oauth_grant where guid = $1', [
      world.grantGuid,
    ])
  ).rows[0]

const refreshTokensKept = async (): Promise<number[]> => {
  const { rows } = await vault.pool.query<{ generation: number }>(
    'select generation from safe where place = $1 order by generation',
    [tokenPlace(world.grantGuid, 'refresh_token').join('/')],
  )
  return rows.map(({ generation }) => generation)
}

/** Until the sweep has found our grant and what it tried is over. */
const swept = async (): Promise<void> => {
  await eventually(async () => {
    await (
      await sweep.sweep()
    ).settled
    const { rows } = await vault.pool.query(
      'select from oauth_grant where guid = $1 and (lease_attempt is not null or doubt_attempt is not null)',
      [world.grantGuid],
    )
    return rows.length === 0
  })
}

describe('R02: a refresh whose process is gone', () => {
  it.each(CLASSES)(
    'is found and made good without anybody asking, where the provider has not carried it out: %s',
    async (_, quirks) => {
      await authorized(quirks)
      await dies(quirks)
      await swept()
      expect(await statusOf()).toEqual({ status: 'usable', generation: 2, consent_reason: null })
      expect((await eventsOf()).map(({ type }) => type)).toEqual([
        'GrantObtained',
        'RefreshBegun',
        'RefreshInDoubt',
        'RefreshBegun',
        'TokenRefreshed',
      ])
      expect((await vault.exchanged(world)).accessToken.reveal()).toMatch(/^access-/)
      expect(provider.calls).toHaveLength(1)
    },
  )

  it.each(CLASSES.slice(2))(
    'is told as lost, with the way to mend it, where the provider had: %s',
    async (_, quirks) => {
      await authorized(quirks)
      await dies(quirks)
      provider.refreshToken = 'nobody-knows-this-one'
      await swept()
      const events = await eventsOf()
      expect(events.slice(-4).map(({ type }) => type)).toEqual([
        'RefreshInDoubt',
        'RefreshBegun',
        'RefreshFailed',
        'ConsentRequired',
      ])
      expect(events.at(-1)!.data).toEqual({ generation: 1, reason: 'rotation_in_doubt' })
      expect(await statusOf()).toMatchObject({ status: 'consent_required', consent_reason: 'rotation_in_doubt' })
      expect(await vault.refused(world)).toEqual({
        code: 'grant.refresh_failed',
        payload: {
          oauth_error: 'consent_required',
          consent_url: CONSENT_URL(world.integrationGuid, world.contentGuid),
          reason: 'rotation_in_doubt',
        },
      })
      const metrics = await registry.registry.metrics()
      expect(metrics).toMatch(/keybearer_refreshes_in_doubt_total\{reason="holder_lost"\} [1-9]/)
      expect(metrics).toMatch(/keybearer_consents_required_total\{reason="rotation_in_doubt"\} [1-9]/)
      expect(provider.calls).toHaveLength(1)
    },
  )

  it('gets a whole lease more for its return where a second use would end everything', async () => {
    const quirks: Quirk[] = ['refresh_token_reuse_ends_grant']
    await authorized(quirks)
    await dies(quirks, 600)
    await eventually(async () => {
      await sweep.sweep()
      return (await eventsOf()).some(({ type }) => type === 'RefreshInDoubt')
    })
    await (
      await sweep.sweep()
    ).settled
    const doubt = (await eventsOf()).at(-1)!
    expect(doubt.type).toBe('RefreshInDoubt')
    const { leaseUntil } = (await eventsOf()).find(({ type }) => type === 'RefreshBegun')!.data
    expect(Date.parse(String(doubt.data.quietUntil))).toBe(
      Date.parse(String(leaseUntil)) + vault.settings.refreshLeaseMs,
    )
    expect(provider.calls).toHaveLength(0)
    await swept()
    expect(await statusOf()).toMatchObject({ status: 'usable', generation: 2 })
  }, 15_000)

  it('is tried again after an answer that did not come, and nothing but invalid_grant ends the grant', async () => {
    const quirks: Quirk[] = ['single_use_refresh_token']
    await authorized(quirks)
    provider.fault = { status: 500, body: {} }
    expect(await vault.refused(world)).toMatchObject({ payload: { oauth_error: 'temporarily_unavailable' } })
    expect((await eventsOf()).slice(-2)).toEqual([
      expect.objectContaining({ type: 'RefreshFailed' }),
      { type: 'RefreshInDoubt', data: expect.objectContaining({ reason: 'no_answer' }) as object },
    ])
    provider.fault = undefined
    await vault.pool.query(`update oauth_grant set failed_at = failed_at - interval '1 minute' where guid = $1`, [
      world.grantGuid,
    ])
    await swept()
    expect(await statusOf()).toMatchObject({ status: 'usable', generation: 2 })
  })
})

describe('R02: the former refresh token', () => {
  it.each([
    ['kept', 'refresh_token_reuse_allowed'],
    ['grace', 'refresh_token_reuse_in_grace'],
  ] as const)('is kept, and used when its successor is refused: %s', async (_, quirk) => {
    await authorized([quirk])
    await vault.exchanged(world)
    expect(await refreshTokensKept()).toEqual([1, 2])
    const former = provider.calls[0]!.get('refresh_token')
    await vault.pool.query(`update oauth_grant set expires_at = now() - interval '1 minute' where guid = $1`, [
      world.grantGuid,
    ])
    provider.refreshToken = former!
    await vault.exchanged(world)
    expect(await statusOf()).toMatchObject({ status: 'usable', generation: 3 })
    expect(provider.calls.slice(-2).map((form) => form.get('refresh_token') === former)).toEqual([false, true])
    expect(await refreshTokensKept()).toEqual([2, 3])
  })

  it('is destroyed when its grace is over', async () => {
    await authorized(['refresh_token_reuse_in_grace'])
    await vault.exchanged(world)
    await sweep.sweep()
    expect(await refreshTokensKept()).toEqual([1, 2])
    await vault.pool.query(`update todo set enqueued_at = enqueued_at - interval '6 minutes' where key = $1`, [
      world.grantGuid,
    ])
    await sweep.sweep()
    expect(await refreshTokensKept()).toEqual([2])
  })

  it.each(CLASSES.slice(2))('is destroyed at once where it is worth nothing: %s', async (_, quirks) => {
    await authorized(quirks)
    await vault.exchanged(world)
    expect(await refreshTokensKept()).toEqual([2])
  })
})

describe('an early renewal', () => {
  /** A token of an hour of which `share` is over. */
  const aged = async (share: number): Promise<void> => {
    await vault.pool.query(
      `update oauth_grant set token_since = now() - $2 * interval '1 hour', expires_at = now() + (1 - $2) * interval '1 hour'
       where guid = $1`,
      [world.grantGuid, share],
    )
  }

  it('R02: keeps nobody waiting: the token that is still good is given out meanwhile', async () => {
    await authorized([], 3600)
    await aged(0.9)
    const release = provider.hold()
    expect((await vault.exchanged(world)).accessToken.reveal()).toBe('access-0')
    await eventually(() => provider.calls.length === 1)
    expect((await vault.exchanged(world)).accessToken.reveal()).toBe('access-0')
    release()
    await eventually(async () => ((await statusOf()) as { generation: number }).generation === 2)
    expect((await vault.exchanged(world)).accessToken.reveal()).toMatch(/^access-[1-9]/)
    expect(provider.calls).toHaveLength(1)
  })

  it.each([
    ['before its time', [], 0.7],
    ['where the old access token would end', ['refresh_ends_access_token'], 0.9],
  ] as const)('is not made %s', async (_, quirks, share) => {
    await authorized([...quirks], 3600)
    await aged(share)
    await vault.exchanged(world)
    await vault.refreshes.finish()
    expect(provider.calls).toHaveLength(0)
  })

  it('is not tried at every exchange when it fails', async () => {
    const other = house.process()
    await authorized([], 3600)
    await aged(0.9)
    provider.fault = { status: 503, body: {} }
    await other.exchanged(world)
    await eventually(async () => (await eventsOf()).some(({ type }) => type === 'RefreshFailed'))
    for (const each of [other, house.process()]) await each.exchanged(world)
    await other.refreshes.finish()
    expect(provider.calls).toHaveLength(1)
  })
})
