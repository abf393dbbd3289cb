import { randomUUID } from 'node:crypto'
import { jest } from '@jest/globals'
import { Secret, type Quirk } from '#libs/contracts'
import { eventually } from '#libs/testing'
import { CONSENT_URL, FakeProvider, newHouse, World, type VaultProcess } from '../house.fixture.js'
import { Bulkhead } from '../provider/bulkhead.js'
import { grantStream, tokenPlace } from './grant.stream.js'
import { putTokens } from './grant.tokens.js'

const house = await newHouse()
afterAll(() => house.close())

const { provider } = house
const rotation = 'single_use'
const vault = house.process()
const closing: (() => Promise<unknown>)[] = []
let world: World
beforeEach(async () => {
  world = house.world()
  provider.calls.length = 0
  provider.fault = undefined
  provider.rotates = true
  provider.expiresIn = 3600
  provider.more = {}
  await vault.tellAll(world)
})

afterEach(async () => {
  for (const end of closing.splice(0)) await end()
})

const statusOf = async (): Promise<unknown> =>
  (await vault.pool.query('select status, generation from oauth_grant where guid = $1', [world.grantGuid])).rows[0]

const eventsOf = async (): Promise<string[]> => {
  const { rows } = await vault.pool.query<{ type: string }>(
    'select type from event where stream_id = $1 order by version',
    [`grant-${world.grantGuid}`],
  )
  return rows.map(({ type }) => type)
}

const generationsOf = async (token: 'access_token' | 'refresh_token'): Promise<number[]> => {
  const { rows } = await vault.pool.query<{ generation: number }>('select generation from safe where place = $1', [
    tokenPlace(world.grantGuid, token).join('/'),
  ])
  return rows.map(({ generation }) => generation)
}

const exchangesOf = (process: VaultProcess, count: number): Promise<string>[] =>
  Array.from({ length: count }, async () => (await process.exchanged(world)).accessToken.reveal())

/** From now on nobody can write to the safe; the returned function waits for one that tries and ends its connection. */
const losingTheNextWrite = async (): Promise<() => Promise<void>> => {
  const locking = await house.database.ownerPool().connect()
  closing.push(() => Promise.resolve(locking.release(true)))
  await locking.query('begin')
  await locking.query('lock table record.safe in exclusive mode')
  return async () => {
    await eventually(async () => {
      const { rows } = await vault.pool.query<{ pid: number }>(
        `select pid from pg_stat_activity
         where datname = current_database() and usename = current_user and wait_event_type = 'Lock'`,
      )
      for (const { pid } of rows) await vault.pool.query('select pg_terminate_backend($1)', [pid])
      return rows.length > 0
    })
    await locking.query('rollback')
  }
}

describe('a refresh', () => {
  it('R01: happens once for all who ask, and holds no connection meanwhile', async () => {
    await vault.grant(world, -1)
    const release = provider.hold()
    const answers = exchangesOf(vault, 100)
    await eventually(() => provider.calls.length === 1 && vault.heldConnections === 0 && vault.pool.waitingCount === 0)
    expect(vault.heldConnections).toBe(0)
    release()
    const tokens = await Promise.all(answers)
    expect(new Set(tokens).size).toBe(1)
    expect(provider.calls).toHaveLength(1)
    expect(await statusOf()).toEqual({ status: 'usable', generation: 2 })
  })

  it('R01: happens once over several processes', async () => {
    const other = house.process()
    await vault.grant(world, -1)
    const release = provider.hold()
    const answers = [...exchangesOf(vault, 50), ...exchangesOf(other, 50)]
    await eventually(() => provider.calls.length === 1)
    release()
    expect(new Set(await Promise.all(answers)).size).toBe(1)
    expect(provider.calls).toHaveLength(1)
    expect(await eventsOf()).toEqual(['GrantObtained', 'RefreshBegun', 'TokenRefreshed'])
  })

  it('has stored the rotated token when it answers, and nothing of the former one', async () => {
    await vault.grant(world, -1)
    const [token] = await Promise.all(exchangesOf(vault, 1))
    expect(await generationsOf('access_token')).toEqual([2])
    expect(await generationsOf('refresh_token')).toEqual([2])
    const refreshToken = await vault.safe.open(vault.pool, tokenPlace(world.grantGuid, 'refresh_token'), 2)
    expect(refreshToken.reveal()).toBe(provider.refreshToken)
    expect(token).toMatch(/^access-[1-9]/)
  })

  it('VAULT-09 R16 keeps asking the safe to take new tokens until the keys are back', async () => {
    await vault.grant(world, -1)
    const release = provider.hold()
    const [answer] = exchangesOf(vault, 1)
    await eventually(() => provider.calls.length === 1)
    vault.keys.away = 1
    vault.keys.missed = 0
    release()
    await eventually(() => vault.keys.missed > 0)
    vault.keys.away = undefined
    expect(await answer).toMatch(/^access-[1-9]/)
    expect(await statusOf()).toEqual({ status: 'usable', generation: 2 })
  })

  it('VAULT-09 R16 is not begun while the safe could not take what comes of it', async () => {
    await vault.grant(world, -1)
    Object.assign(vault.keys, { active: 2, away: 2 })
    try {
      expect(await vault.refused(world)).toMatchObject({ payload: { oauth_error: 'temporarily_unavailable' } })
    } finally {
      Object.assign(vault.keys, { active: 1, away: undefined })
    }
    expect(provider.calls).toHaveLength(0)
    expect(await eventsOf()).toEqual(['GrantObtained'])
    expect((await vault.exchanged(world)).accessToken.reveal()).toMatch(/^access-[1-9]/)
  })

  it('VAULT-09 R16 keeps asking when the key is retired under it, and revokes nothing', async () => {
    await vault.grant(world, -1)
    const release = provider.hold()
    const [answer] = exchangesOf(vault, 1)
    await eventually(() => provider.calls.length === 1)
    await vault.pool.query(
      `insert into safe_key (version, provider, check_value, retired_at) values (1, 'file', decode(repeat('00', 16), 'hex'), now())`,
    )
    closing.push(() => vault.pool.query('delete from safe_key'))
    let tries = 0
    Object.assign(vault.keys, { find: () => Promise.resolve((tries++, true)) })
    release()
    await eventually(() => tries > 1)
    await vault.pool.query('delete from safe_key')
    delete (vault.keys as { find?: unknown }).find
    expect(await answer).toMatch(/^access-[1-9]/)
    expect(await statusOf()).toEqual({ status: 'usable', generation: 2 })
    const { rows } = await vault.pool.query(`select from todo where data ->> 'integration_guid' = $1`, [
      world.integrationGuid,
    ])
    expect(rows).toHaveLength(0)
  })

  it('keeps the old refresh token when the provider gives no new one', async () => {
    provider.rotates = false
    await vault.grant(world, -1)
    await vault.exchanged(world)
    const refreshToken = await vault.safe.open(vault.pool, tokenPlace(world.grantGuid, 'refresh_token'), 2)
    expect(refreshToken.reveal()).toBe(provider.refreshToken)
  })

  it('is not held up by a process that died with the lease: one takes over when it ends', async () => {
    await vault.grant(world, -1)
    const { rows } = await vault.pool.query<{ now: Date }>('select clock_timestamp() as now')
    const context = { actor: { type: 'service', name: 'vault' }, commandId: randomUUID() }
    const dead = { generation: 1, attempt: randomUUID(), now: rows[0]!.now, leaseMilliseconds: 400, rotation } as const
    await vault.streams.handle(grantStream, world.grantGuid, { type: 'BeginRefresh', ...dead }, context)
    const other = house.process()
    const tokens = await Promise.all([...exchangesOf(vault, 20), ...exchangesOf(other, 20)])
    expect(new Set(tokens).size).toBe(1)
    expect(provider.calls).toHaveLength(1)
    expect(await eventsOf()).toEqual([
      'GrantObtained',
      'RefreshBegun',
      'RefreshInDoubt',
      'RefreshBegun',
      'TokenRefreshed',
    ])
  })

  it('goes on as long as anybody waits, and not only the first', async () => {
    const hasty = house.process({ settings: { refreshWaitMs: 200 } })
    await hasty.grant(world, -1)
    const { rows } = await vault.pool.query<{ now: Date }>('select clock_timestamp() as now')
    const context = { actor: { type: 'service', name: 'vault' }, commandId: randomUUID() }
    const dead = { generation: 1, attempt: randomUUID(), now: rows[0]!.now, leaseMilliseconds: 800, rotation } as const
    await vault.streams.handle(grantStream, world.grantGuid, { type: 'BeginRefresh', ...dead }, context)
    const grant = { guid: world.grantGuid, generation: 1 }
    const first = hasty.refreshes.refresh(grant, world.integration())
    const second = hasty.refreshes.refresh(grant, world.integration(), 10_000)
    expect(await first).toEqual({ kind: 'waited_in_vain' })
    expect(await second).toEqual({ kind: 'refreshed' })
  })

  it('gives its token although the connection that stores it is lost, and asks the provider once', async () => {
    await vault.grant(world, -1)
    const loseIt = await losingTheNextWrite()
    const [answer] = exchangesOf(vault, 1)
    await loseIt()
    expect(await answer).toMatch(/^access-[1-9]/)
    expect(provider.calls).toHaveLength(1)
    expect(await statusOf()).toEqual({ status: 'usable', generation: 2 })
    const refreshToken = await vault.safe.open(vault.pool, tokenPlace(world.grantGuid, 'refresh_token'), 2)
    expect(refreshToken.reveal()).toBe(provider.refreshToken)
  })

  it('serves an old token that is still valid while the provider fails', async () => {
    await vault.grant(world, 4)
    provider.fault = { status: 500, body: {} }
    expect((await vault.exchanged(world)).accessToken.reveal()).toBe('access-0')
    expect(provider.calls).toHaveLength(1)
  })
})

describe('refreshes at one integration', () => {
  /** Grants of as many people, all of them expired. */
  const manyOf = async (integration: World, count: number): Promise<World[]> => {
    const worlds = Array.from({ length: count }, () => house.world(integration.integrationGuid))
    await Promise.all(
      worlds.map(async (each) => {
        await vault.tellAll(each)
        await vault.grant(each, -1)
      }),
    )
    return worlds
  }

  it('H07: are 16 at a time, 64 wait, and whoever comes then is told so at once; others are not concerned', async () => {
    const process = house.process()
    const others = house.world()
    const otherProvider = await new FakeProvider().start()
    closing.push(() => otherProvider.stop())
    const busy = await manyOf(world, 81)
    await vault.tellAll(others)
    await vault.tell(
      'integration',
      others.integrationGuid,
      new World(otherProvider, others.integrationGuid).integration(),
    )
    await vault.grant(others, -1, otherProvider.refreshToken)

    provider.rotates = false
    const release = provider.hold()
    const arrivals = jest.spyOn(Bulkhead.prototype, 'enter')
    const answers = busy.slice(0, 80).map((each) => process.exchanged(each))
    await eventually(() => provider.calls.length === 16 && arrivals.mock.calls.length === 80)
    arrivals.mockRestore()
    expect(await process.refused(busy[80]!)).toEqual({
      code: 'token_endpoint.unavailable',
      payload: { oauth_error: 'temporarily_unavailable' },
    })
    // Who asks for a grant that is in hand takes nobody's place.
    const more = busy.slice(0, 20).map((each) => process.exchanged(each))
    expect((await process.exchanged(others)).accessToken.reveal()).toBe('access-1')
    expect(provider.calls).toHaveLength(16)
    release()
    await Promise.all([...answers, ...more])
    expect(provider.calls).toHaveLength(80)
    expect((await process.exchanged(busy[80]!)).accessToken.reveal()).toMatch(/^access-/)
  }, 20_000)
})

describe('a refresh that is refused', () => {
  it('asks for the viewer’s consent, and the provider is left alone after that', async () => {
    await vault.grant(world, -1, 'a-token-that-was-used-before')
    const consent = {
      code: 'grant.refresh_failed',
      payload: { oauth_error: 'consent_required', consent_url: CONSENT_URL(world.integrationGuid, world.contentGuid) },
    }
    expect(await vault.refused(world)).toEqual(consent)
    expect(await vault.refused(world)).toEqual(consent)
    expect(provider.calls).toHaveLength(1)
    expect(await statusOf()).toEqual({ status: 'consent_required', generation: 1 })
  })

  it('says that an administrator has to look when the client is refused', async () => {
    await vault.grant(world, -1)
    provider.fault = { status: 401, body: { error: 'invalid_client' } }
    expect(await vault.refused(world)).toMatchObject({
      code: 'token_endpoint.failed',
      payload: { oauth_error: 'server_error' },
    })
  })

  it('R01: gives everybody the same outcome after one try', async () => {
    await vault.grant(world, -1)
    provider.fault = { status: 500, body: {} }
    const other = house.process()
    const refusals = await Promise.all(
      [vault, other].flatMap((each) => Array.from({ length: 20 }, () => each.refused(world))),
    )
    expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set(['token_endpoint.unavailable']))
    expect(provider.calls).toHaveLength(1)
    expect(await statusOf()).toEqual({ status: 'usable', generation: 1 })
  })

  it('says that the provider does not answer when it is too slow', async () => {
    const hasty = house.process({ settings: { tokenRequestTimeoutMs: 300, refreshLeaseMs: 600, refreshWaitMs: 2_000 } })
    await hasty.grant(world, -1)
    const release = provider.hold()
    expect(await hasty.refused(world)).toMatchObject({ code: 'token_endpoint.unavailable' })
    release()
    const { rows } = await vault.pool.query<{ data: string }>(
      `select data from event where stream_id = $1 and type = 'RefreshFailed'`,
      [`grant-${world.grantGuid}`],
    )
    expect(JSON.parse(rows[0]!.data)).toMatchObject({ fate: 'retry', inDoubt: true })
  })
})

describe('E17 a grant whose secret does not open', () => {
  const damaged = (token: 'access_token' | 'refresh_token', generation = 1) =>
    vault.pool.query(
      `update safe set envelope = set_byte(envelope, 70, get_byte(envelope, 70) # 1) where place = $1 and generation = $2`,
      [tokenPlace(world.grantGuid, token).join('/'), generation],
    )
  const consentRequired = () => ({
    code: 'grant.refresh_failed',
    payload: { oauth_error: 'consent_required', consent_url: CONSENT_URL(world.integrationGuid, world.contentGuid) },
  })
  const reasonOf = async () =>
    (await vault.pool.query('select consent_reason from oauth_grant where guid = $1', [world.grantGuid])).rows[0]

  it('gets another access token by its refresh token', async () => {
    await vault.grant(world, 600)
    await damaged('access_token')
    expect((await vault.exchanged(world)).accessToken.reveal()).toMatch(/^access-[1-9]/)
    expect(await statusOf()).toEqual({ status: 'usable', generation: 2 })
  })

  it.each([
    ['its refresh token', true, 'refresh_token'],
    ['its access token, and there is no refresh token', false, 'access_token'],
  ] as const)('wants its viewer again when it is %s', async (_, hasRefreshToken, token) => {
    await vault.grant(world, hasRefreshToken ? -1 : 600, hasRefreshToken ? undefined : null)
    await damaged(token)
    expect(await vault.refused(world)).toEqual(consentRequired())
    expect(await vault.refused(world)).toEqual(consentRequired())
    expect(await reasonOf()).toEqual({ consent_reason: 'damaged' })
    expect(await eventsOf()).toEqual(['GrantObtained', 'ConsentRequired'])
    expect(provider.calls).toHaveLength(0)
    await vault.grant(world, 600)
    expect((await vault.exchanged(world)).accessToken.reveal()).toBe('access-0')
  })

  it('goes on without a former refresh token that is damaged', async () => {
    const quirks: Quirk[] = ['refresh_token_reuse_allowed']
    await vault.tell('integration', world.integrationGuid, world.integration({ quirks }), 2)
    await vault.grant(world, -1)
    await vault.exchanged(world)
    await damaged('refresh_token', 1)
    await vault.pool.query(`update oauth_grant set expires_at = now() - interval '1 minute' where guid = $1`, [
      world.grantGuid,
    ])
    provider.refreshToken = 'neither-of-them'
    expect(await vault.refused(world)).toEqual(consentRequired())
    expect(await statusOf()).toEqual({ status: 'consent_required', generation: 2 })
    provider.refreshToken = 'refresh-0'
  })
})

describe('a refresh that comes back too late', () => {
  /** The token that is to be revoked at the provider. */
  const owed = async (): Promise<string | undefined> => {
    const { rows } = await vault.pool.query<{ key: string }>(
      `select key from todo where kind = 'revoke_upstream' and data ->> 'integration_guid' = $1`,
      [world.integrationGuid],
    )
    return rows[0] && (await vault.safe.open(vault.pool, ['owed_revocation', rows[0].key, 'token'], 0)).reveal()
  }

  it('leaves its token to be revoked when the viewer has consented anew meanwhile', async () => {
    await vault.grant(world, -1)
    const release = provider.hold()
    const [answer] = exchangesOf(vault, 1)
    await eventually(() => provider.calls.length === 1)
    await vault.grant(world, 600)
    release()
    expect(await answer).toBe('access-0')
    expect(await statusOf()).toEqual({ status: 'usable', generation: 2 })
    expect(await owed()).toBe(provider.refreshToken)
  })

  it('leaves it although the connection is lost that notes it', async () => {
    await vault.grant(world, -1)
    const release = provider.hold()
    const [answer] = exchangesOf(vault, 1)
    await eventually(() => provider.calls.length === 1)
    await vault.grant(world, 600)
    const loseIt = await losingTheNextWrite()
    release()
    await loseIt()
    await answer
    expect(await owed()).toBe(provider.refreshToken)
  })

  it.each([
    ['the provider gave no other refresh token', undefined, 'the-new-one'],
    ['the provider gave the former refresh token again', 'the-former-one', 'the-new-one'],
    ['its refresh token is the one that is stored', 'the-new-one', 'the-new-one'],
  ])('leaves nothing to be revoked when %s', async (_, late, stored) => {
    provider.rotates = false
    provider.refreshToken = 'the-former-one'
    provider.more = late === undefined ? {} : { refresh_token: late }
    await vault.grant(world, -1)
    const release = provider.hold()
    const [answer] = exchangesOf(vault, 1)
    await eventually(() => provider.calls.length === 1)
    await vault.grant(world, 600, stored)
    release()
    expect(await answer).toBe('access-0')
    expect(await owed()).toBeUndefined()
  })

  it.each<[string, Quirk]>([
    ['stay good', 'refresh_token_reuse_allowed'],
    ['stay good for a while', 'refresh_token_reuse_in_grace'],
    ['are good once', 'single_use_refresh_token'],
    ['end everything', 'refresh_token_reuse_ends_grant'],
  ])(
    'R02: leaves nothing to be revoked when another process has a successor of the same consent (used tokens %s)',
    async (_, quirk) => {
      const quirks = [quirk]
      await vault.tell('integration', world.integrationGuid, world.integration({ quirks }), 2)
      await vault.grant(world, -1)
      const release = provider.hold()
      const [answer] = exchangesOf(vault, 1)
      await eventually(() => provider.calls.length === 1)
      const attempt = randomUUID()
      const stored = { type: 'RecordRefreshed', generation: 1, attempt, expiresAt: null, scope: null } as const
      const tokens = { accessToken: new Secret('access-of-the-other'), refreshToken: new Secret('of-the-other') }
      const context = { actor: { type: 'service', name: 'vault' }, commandId: attempt }
      await vault.streams.handle(grantStream, world.grantGuid, stored, context, {
        record: (client) => putTokens(vault.safe, client, world.grantGuid, 2, tokens),
      })
      release()
      expect(await answer).toBe('access-of-the-other')
      expect(await statusOf()).toEqual({ status: 'usable', generation: 2 })
      expect(await owed()).toBeUndefined()
    },
  )

  it('leaves its token to be revoked when the grant was withdrawn, be it the former one', async () => {
    provider.rotates = false
    await vault.grant(world, -1)
    const release = provider.hold()
    const refusal = vault.refused(world)
    await eventually(() => provider.calls.length === 1)
    const context = { actor: { type: 'service', name: 'vault' }, commandId: randomUUID() }
    await vault.streams.handle(grantStream, world.grantGuid, { type: 'RevokeGrant', reason: 'user' }, context)
    release()
    await refusal
    expect(await owed()).toMatch(/^access-/)
  })

  it('is not given to a viewer who may not have it any more (C20)', async () => {
    await vault.grant(world, -1)
    const release = provider.hold()
    const refusal = vault.refused(world)
    await eventually(() => provider.calls.length === 1)
    await vault.tell('content', world.contentGuid, world.content({ locked: true }), 2)
    release()
    expect(await refusal).toMatchObject({ code: 'content.access_denied' })
    expect(await statusOf()).toEqual({ status: 'usable', generation: 2 })
  })

  it('is not begun any more when the process is about to end and could not await it', async () => {
    const ending = house.process({ settings: { tokenRequestTimeoutMs: 2_000 } })
    await ending.grant(world, -1)
    const { rows } = await vault.pool.query<{ now: Date }>('select clock_timestamp() as now')
    const context = { actor: { type: 'service', name: 'vault' }, commandId: randomUUID() }
    const lease = {
      generation: 1,
      attempt: randomUUID(),
      now: rows[0]!.now,
      leaseMilliseconds: 2_500,
      rotation,
    } as const
    await vault.streams.handle(grantStream, world.grantGuid, { type: 'BeginRefresh', ...lease }, context)
    await ending.refreshes.finish()
    expect(await ending.refused(world)).toMatchObject({ code: 'token_endpoint.unavailable' })
    expect(provider.calls).toHaveLength(0)
  })

  it('is awaited by an orderly end of the process', async () => {
    const ending = house.process()
    await ending.grant(world, -1)
    const release = provider.hold()
    const [answer] = exchangesOf(ending, 1)
    await eventually(() => provider.calls.length === 1)
    const ended = ending.refreshes.finish()
    release()
    await ended
    expect(await statusOf()).toEqual({ status: 'usable', generation: 2 })
    await answer
  })
})
