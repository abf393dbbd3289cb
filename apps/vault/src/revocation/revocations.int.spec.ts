import { randomUUID } from 'node:crypto'
import { integrationContract, Secret, userContract, type ChangeContract, type IntegrationState } from '#libs/contracts'
import { transaction } from '#libs/event-sourcing'
import { Metrics, type InternalHttp } from '#libs/service'
import { eventually, VendorServer, vendors } from '#libs/testing'
import { ClientSecretSweep } from '../client-secret/client-secret-sweep.js'
import { GrantEndings } from '../grant/grant-endings.js'
import { oweRevocation } from '../grant/grant.tokens.js'
import { newHouse, type World } from '../house.fixture.js'
import { endGrant } from './end-grant.js'
import { forgetFormer, Revocations } from './revocations.js'

const house = await newHouse()
const { provider } = house
const vault = house.process()
const metrics = new Metrics()

const revocationsOf = ({ pool, safe, secrets, calls, settings, replicas }: typeof vault, counted?: Metrics) =>
  new Revocations(pool, safe, secrets, calls, settings, replicas, counted)
const revocations = revocationsOf(vault, metrics)
const endings = new GrantEndings(vault.pool, vault.streams, vault.safe, vault.replicas, revocations)

afterAll(async () => {
  await endings.beforeApplicationShutdown()
  await house.close()
})
beforeEach(async () => {
  Object.assign(vault.keys, { active: 1, away: undefined })
  provider.fault = undefined
  provider.revoked.length = 0
  await vault.pool.query(`with owed as (delete from todo) delete from safe where place like 'owed_revocation/%'`)
})

/** An integration that knows revocation. */
async function known(changes: Partial<IntegrationState> = {}): Promise<{ world: World; state: IntegrationState }> {
  const world = house.world()
  await vault.tellAll(world)
  const server = world.integration().authorization_server!
  const authorization_server = { ...server, revocation_endpoint: `${provider.url}/revoke` }
  const state = world.integration({ authorization_server, ...changes })
  await vault.tell('integration', world.integrationGuid, state, 2)
  return { world, state }
}

/** The same, and a viewer's grant. */
async function authorized(changes: Partial<IntegrationState> = {}): Promise<World> {
  const { world } = await known(changes)
  await vault.grant(world, 3600)
  return world
}

const present = async ({ integrationGuid }: World): Promise<IntegrationState> => {
  const { rows } = await vault.pool.query<{ state: IntegrationState }>('select state from replica where guid = $1', [
    integrationGuid,
  ])
  return rows[0]!.state
}

const end = ({ grantGuid }: World, reason: 'user' | 'administrator' = 'user'): Promise<boolean> =>
  endGrant(vault, grantGuid, reason, { actor: { type: 'service', name: 'vault' }, commandId: randomUUID() })

const placesLike = async (like: string): Promise<string[]> =>
  (await vault.pool.query<{ place: string }>('select place from safe where place like $1', [like])).rows.map(
    ({ place }) => place,
  )
const hasCome = (): Promise<unknown> => vault.pool.query('update todo set due_at = clock_timestamp()')
const told = (kind: 'user' | 'integration', guid: string, state: object | null, version: number): Promise<void> => {
  const contracts = { user: userContract, integration: integrationContract } as Record<string, ChangeContract<unknown>>
  const contract = contracts[kind]!
  const service = kind === 'user' ? 'identity' : 'integrations'
  const message = { type: contract.type, schema_version: 1, revision: contract.revision, version, cause: [], state }
  return vault.replicas.of(contract).handle(message, `${service}.${kind}.${guid}`)
}

/** The viewer goes to the provider, agrees and comes back. */
async function consents({ viewerGuid, integrationGuid }: World): Promise<void> {
  const viewer = { type: 'user', guid: viewerGuid, role: 'viewer', sid: randomUUID() } as const
  const begun = await vault.consent.begin(viewer, integrationGuid)
  const { searchParams } = new URL('redirect' in begun ? begun.redirect : 'none:')
  provider.code = { value: 'code', challenge: searchParams.get('code_challenge') ?? '' }
  const query = new URLSearchParams({ state: searchParams.get('state') ?? '', code: 'code' })
  const answer = await vault.consent.finish(viewer, query)
  if ('page' in answer) throw new Error(answer.page.title)
}

describe('an authorization that ends', () => {
  it('B20 is over at once here, its tokens are shredded, and its provider is told', async () => {
    const world = await authorized()
    expect((await vault.exchanged(world)).accessToken.reveal()).toBe('access-0')
    expect(await end(world)).toBe(true)
    expect(await vault.refused(world)).toMatchObject({ code: 'grant.none' })
    expect(await placesLike(`grant/${world.grantGuid}/%`)).toEqual([])
    expect(await revocations.work()).toBe(1)
    expect(provider.revoked.map((form) => [form.get('token'), form.get('token_type_hint')])).toEqual([
      [provider.refreshToken, 'refresh_token'],
    ])
    expect([await revocations.pending(), await placesLike('owed_revocation/%')]).toEqual([[], []])
    expect(await end(world)).toBe(false)
  })

  it('B20 at a provider that is down is over here, is seen to be pending, and is told later with growing pauses', async () => {
    const world = await authorized()
    provider.fault = { status: 503, body: {} }
    await end(world)
    expect(await vault.refused(world)).toMatchObject({ code: 'grant.none' })
    const pauses = []
    for (let attempts = 1; attempts <= 4; attempts++) {
      expect(await revocations.work()).toBe(0)
      const [pending] = await revocations.pending()
      expect(pending).toMatchObject({
        integrationGuid: world.integrationGuid,
        userGuid: world.viewerGuid,
        attempts,
        lastError: 'unintelligible',
      })
      pauses.push((pending!.nextAttempt.getTime() - Date.now()) / 1000)
      // Not again before its time.
      expect([await revocations.work(), (await revocations.pending())[0]!.attempts]).toEqual([0, attempts])
      await hasCome()
    }
    expect(pauses.map((pause, at) => pause / 2 ** (at + 1)).every((ratio) => ratio > 0.6 && ratio < 1.3)).toBe(true)
    expect(await metrics.registry.metrics()).toContain('keybearer_revocations_pending 1')
    provider.fault = undefined
    expect(await revocations.work()).toBe(1)
    expect(provider.revoked).toHaveLength(1)
    expect(await metrics.registry.metrics()).toContain('keybearer_revocations_pending 0')
  })

  it('B20 pauses for an hour at most', async () => {
    const world = await authorized()
    provider.fault = { status: 503, body: {} }
    await end(world)
    await revocations.work()
    await vault.pool.query(`update todo set due_at = clock_timestamp(), attempts = 30`)
    await revocations.work()
    const [pending] = await revocations.pending()
    expect(pending!.nextAttempt.getTime() - Date.now()).toBeLessThan(3_600_000 * 1.25)
  })

  it('is as good as revoked when the provider says that it is over', async () => {
    provider.fault = { status: 400, body: { error: 'invalid_token' } }
    await end(await authorized())
    expect([await revocations.work(), await revocations.pending()]).toEqual([1, []])
  })

  it('is pending when the provider refuses us, and not forgotten', async () => {
    provider.fault = { status: 401, body: { error: 'invalid_client' } }
    await end(await authorized())
    await revocations.work()
    expect(await revocations.pending()).toMatchObject([{ lastError: 'invalid_client' }])
  })

  it('B20 R16 is told when the keys are back, if they are away meanwhile', async () => {
    await end(await authorized())
    vault.keys.away = 1
    expect(await revocations.work()).toBe(0)
    expect(await revocations.pending()).toMatchObject([{ lastError: 'safe.key_missing' }])
    vault.keys.away = undefined
    await hasCome()
    expect(await revocations.work()).toBe(1)
    expect(provider.revoked).toHaveLength(1)
  })

  it('B20 E17 is pending until somebody gives it up, when its token has been tampered with', async () => {
    await end(await authorized())
    await vault.pool.query(
      `update safe set envelope = set_byte(envelope, 70, get_byte(envelope, 70) # 1) where place like 'owed_revocation/%'`,
    )
    expect(await revocations.work()).toBe(0)
    const [pending] = await revocations.pending()
    expect(pending).toMatchObject({ lastError: 'safe.tampered' })
    await revocations.giveUp(pending!.guid)
    expect([await revocations.pending(), await placesLike('owed_revocation/%')]).toEqual([[], []])
  })

  it('B20 R16 does not end before its provider can be told of it: while the keys are away, it waits', async () => {
    const world = await authorized()
    Object.assign(vault.keys, { active: 2, away: 1 })
    const other = await authorized()
    await expect(end(world)).rejects.toMatchObject({ kind: 'unavailable', code: 'safe.key_missing' })
    expect(await placesLike(`grant/${world.grantGuid}/%`)).toHaveLength(2)
    for (const { integrationGuid } of [world, other]) await told('integration', integrationGuid, null, 3)
    await endings.sweep()
    expect(await placesLike(`grant/${world.grantGuid}/%`)).toHaveLength(2)
    expect(await placesLike(`grant/${other.grantGuid}/%`)).toEqual([])
    vault.keys.away = undefined
    // The news has made the vault try by itself, too.
    await endings.sweep()
    expect([await placesLike(`grant/${world.grantGuid}/%`), await revocations.work()]).toEqual([[], 2])
    expect(provider.revoked).toHaveLength(2)
  })

  it('E17 ends all the same when its token has been tampered with: there is nothing to tell', async () => {
    const world = await authorized()
    await vault.pool.query(
      'update safe set envelope = set_byte(envelope, 70, get_byte(envelope, 70) # 1) where place like $1',
      [`grant/${world.grantGuid}/%`],
    )
    expect(await end(world)).toBe(true)
    expect([await revocations.pending(), await placesLike(`grant/${world.grantGuid}/%`)]).toEqual([[], []])
  })

  it('owes nothing to a provider that has no way to be told', async () => {
    const world = house.world()
    await vault.tellAll(world)
    await vault.grant(world, 3600)
    await end(world)
    expect([await revocations.pending(), await placesLike('owed_revocation/%')]).toEqual([[], []])
  })

  it('is told by the access token where the provider knows no other', async () => {
    await end(await authorized({ quirks: ['revocation_by_delete'] }))
    await vault.pool.query(`update todo set attempts = 0`)
    const [pending] = (await vault.pool.query<{ data: object }>(`select data from todo where kind = 'revoke_upstream'`))
      .rows
    expect(pending!.data).toMatchObject({ token_type_hint: 'access_token' })
  })

  it('is told once by many processes', async () => {
    const worlds = await Promise.all(Array.from({ length: 12 }, () => authorized()))
    for (const world of worlds) await end(world)
    const others = [1, 2].map(() => revocationsOf(house.process()))
    const done = await Promise.all([revocations, ...others].map((each) => each.work()))
    expect(done.reduce((a, b) => a + b)).toBe(12)
    expect(provider.revoked).toHaveLength(12)
  })

  it('R03 is told by another process when the first died over it', async () => {
    await end(await authorized())
    const release = provider.hold()
    const dying = revocations.work()
    await eventually(async () => (await revocations.pending())[0]?.attempts === 1)
    expect(await revocationsOf(house.process()).work()).toBe(0)
    await hasCome()
    const second = revocationsOf(house.process()).work()
    await eventually(async () => (await revocations.pending())[0]?.attempts === 2)
    release()
    await Promise.all([dying, second])
    // Twice is harmless: a token that is revoked already is none.
    expect([provider.revoked.length, await revocations.pending()]).toEqual([2, []])
  })

  it('VAULT-02 has no token outside the safe while it is pending', async () => {
    provider.fault = { status: 503, body: {} }
    await end(await authorized())
    await revocations.work()
    const { rows } = await vault.pool.query(`select * from todo`)
    expect(JSON.stringify(rows)).not.toContain(provider.refreshToken)
  })

  it('can be given up, and then is forgotten', async () => {
    provider.fault = { status: 503, body: {} }
    await end(await authorized())
    await revocations.work()
    const { guid } = (await revocations.pending())[0]!
    await revocations.giveUp(guid)
    expect([await revocations.pending(), await placesLike(`owed_revocation/${guid}/%`)]).toEqual([[], []])
    await expect(revocations.giveUp(guid)).rejects.toMatchObject({ code: 'object.not_found' })
  })
})

describe('R10 a provider that is slow or sick', () => {
  const owed = async (world: World, count: number): Promise<void> => {
    const integration = await present(world)
    for (let token = 0; token < count; token++) {
      const tokens = { accessToken: new Secret(`late-${token}`), refreshToken: undefined }
      await transaction(vault.pool, (client) => oweRevocation(vault.safe, client, randomUUID(), integration, tokens))
    }
  }
  const elsewhere = (): Promise<VendorServer> => new VendorServer(vendors.custom({ authentication: 'none' })).start()
  const at = ({ url }: VendorServer): Partial<IntegrationState> => ({
    authorization_server: { token_endpoint: `${url}/token`, revocation_endpoint: `${url}/revoke` },
  })

  it('hears of one token at a time, and keeps no other provider waiting', async () => {
    const slow = await elsewhere()
    const slowly = Promise.withResolvers<void>()
    slow.fault = { instead: (response) => void slowly.promise.then(() => response.end('{}')) }
    await owed(await authorized(at(slow)), 8)
    await owed(await authorized(), 8)
    const working = revocations.work()
    await eventually(() => provider.revoked.length === 8)
    expect(slow.journal).toHaveLength(1)
    slowly.resolve()
    expect(await working).toBe(16)
    await slow.stop()
  })

  it('that fails is left in peace, which counts as no attempt, and exchanges go on', async () => {
    const sick = await elsewhere()
    sick.fault = { done: false, status: 500 }
    const world = await authorized(at(sick))
    await owed(world, 9)
    expect(await revocations.work()).toBe(0)
    expect(sick.journal).toHaveLength(5)
    const pending = await revocations.pending()
    expect(pending.map(({ attempts }) => attempts).sort()).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 1])
    await hasCome()
    await revocations.work()
    expect(sick.journal).toHaveLength(5)

    sick.fault = undefined
    await vault.grant(world, -1, sick.desk.next('refresh'))
    expect((await vault.exchanged(world)).accessToken.reveal()).toMatch(/^access-/)
    await sick.stop()
  })

  it('that says for how long (Retry-After) is not told before', async () => {
    const busy = await elsewhere()
    busy.fault = { done: false, status: 429, headers: { 'retry-after': '120' } }
    await owed(await authorized(at(busy)), 3)
    await revocations.work()
    expect(busy.journal).toHaveLength(1)
    for (const { nextAttempt } of await revocations.pending())
      expect(nextAttempt.getTime() - Date.now()).toBeGreaterThan(100_000)
    await busy.stop()
  })
})

describe('R10 a provider that fails at redemptions', () => {
  it('is left in peace, and people are told to try again', async () => {
    const world = await authorized()
    provider.fault = { status: 500, body: {} }
    provider.calls.length = 0
    const titles = []
    for (let count = 0; count < 7; count++) titles.push(await consents(world).catch(({ message }: Error) => message))
    expect(new Set(titles)).toEqual(new Set(['The provider does not answer as it should']))
    expect(provider.calls).toHaveLength(5)
  })
})

describe('tokens that came too late', () => {
  it('C20 are revoked in the same way', async () => {
    const world = await authorized()
    const tokens = { accessToken: new Secret('late-access'), refreshToken: new Secret('late-refresh') }
    const integration = await present(world)
    await transaction(vault.pool, (client) => oweRevocation(vault.safe, client, randomUUID(), integration, tokens))
    expect(await revocations.work()).toBe(1)
    expect(provider.revoked.map((form) => form.get('token'))).toEqual(['late-refresh'])
  })

  it('C20 are told of by the access token where the provider deletes such only', async () => {
    const quirks = ['revocation_by_delete'] as const
    const world = await authorized({ quirks: [...quirks] })
    const tokens = { accessToken: new Secret('late-access'), refreshToken: new Secret('late-refresh') }
    const integration = await present(world)
    await transaction(vault.pool, (client) => oweRevocation(vault.safe, client, randomUUID(), integration, tokens))
    const { rows } = await vault.pool.query<{ key: string; hint: string }>(
      `select key, data ->> 'token_type_hint' as hint from todo where data ->> 'integration_guid' = $1`,
      [world.integrationGuid],
    )
    expect(rows.map(({ hint }) => hint)).toEqual(['access_token'])
    const owed = await vault.safe.open(vault.pool, ['owed_revocation', rows[0]!.key, 'token'], 0)
    expect(owed.reveal()).toBe('late-access')
  })
})

describe('what ends an authorization', () => {
  it('B22 the deletion of its user: everything is shredded, and each provider is to be told', async () => {
    const [first, second] = [await authorized(), await authorized()]
    const both = Object.assign(Object.create(second) as World, { viewerGuid: first.viewerGuid })
    await vault.grant(both, 3600)
    const viewer = { type: 'user', guid: first.viewerGuid, role: 'viewer', sid: randomUUID() } as const
    await vault.consent.begin(viewer, first.integrationGuid)
    await told('user', first.viewerGuid, null, 2)
    await eventually(async () => (await revocations.pending()).length === 2)
    for (const { grantGuid } of [first, both]) expect(await placesLike(`grant/${grantGuid}/%`)).toEqual([])
    const left = () => vault.pool.query('select from consent_request where user_guid = $1', [first.viewerGuid])
    await eventually(async () => (await left()).rowCount === 0)
    expect(await placesLike('consent_request/%')).toEqual([])
    expect(await revocations.work()).toBe(2)
    // Others keep theirs.
    expect((await vault.exchanged(second)).accessToken.reveal()).toBe('access-0')
  })

  it('C22 so that somebody of the same name who comes later inherits nothing', async () => {
    const former = await authorized()
    await told('user', former.viewerGuid, null, 2)
    const later = Object.assign(Object.create(former) as World, { viewerGuid: randomUUID() })
    await vault.tell('user', later.viewerGuid, former.user(later.viewerGuid))
    expect(await vault.refused(later)).toMatchObject({ code: 'grant.none' })
    await consents(later)
    expect((await vault.exchanged(later)).accessToken.reveal()).toMatch(/^access-[1-9]/)
  })

  it('the lock of its user, and again after the next consent', async () => {
    const world = await authorized()
    for (const version of [2, 4]) {
      await told('user', world.viewerGuid, world.user(world.viewerGuid, { locked: true }), version)
      expect(await vault.refused(world)).toMatchObject({ code: 'content.access_denied' })
      await eventually(async () => (await placesLike(`grant/${world.grantGuid}/%`)).length === 0)
      await told('user', world.viewerGuid, world.user(world.viewerGuid), version + 1)
      expect(await vault.refused(world)).toMatchObject({ code: 'grant.none' })
      await consents(world)
      expect((await vault.exchanged(world)).accessToken.reveal()).toMatch(/^access-[1-9]/)
    }
  })

  it('the deletion of its integration: its provider is told although nobody knows the integration any more', async () => {
    const reference = randomUUID()
    const client = {
      client_id: 'confidential',
      token_endpoint_auth_method: 'client_secret_post',
      scope: '',
      client_secret_reference: reference,
    } as const
    const world = await authorized({ client })
    const { integrationGuid } = world
    await vault.secrets.put(reference, integrationGuid, new Secret('the-secret'))
    provider.fault = { status: 503, body: {} }
    await told('integration', integrationGuid, null, 3)
    await eventually(async () => (await revocations.pending()).length === 1)
    await revocations.work()

    // The sweep of secrets that nobody names leaves this one, as long as it is needed.
    const http = { call: () => Promise.resolve({ standing: 'former', since: new Date(0).toISOString() }) }
    const sweep = new ClientSecretSweep(vault.pool, http as unknown as InternalHttp)
    await vault.pool.query(`update safe set sealed_at = '2020-01-01' where place like 'client_secret/%'`)
    expect(await sweep.sweep()).toBe(0)

    provider.fault = undefined
    await hasCome()
    expect(await revocations.work()).toBe(1)
    expect(provider.revoked[0]?.get('client_secret')).toBe('the-secret')
    await forgetFormer(vault.pool, 0)
    const { rows } = await vault.pool.query('select from former_integration where guid = $1', [integrationGuid])
    expect(rows).toHaveLength(0)
    expect(await sweep.sweep()).toBe(1)
  })

  describe('a change of an integration that makes it another client or gives it another provider', () => {
    const OTHER = 'http://127.0.0.1:9'
    const elsewhere = (state: IntegrationState): IntegrationState => ({
      ...state,
      authorization_server: {
        ...state.authorization_server!,
        token_endpoint: `${OTHER}/token`,
        revocation_endpoint: `${OTHER}/revoke`,
      },
    })
    const formers = async () => (await vault.pool.query('select from former_integration')).rowCount

    beforeEach(() => vault.pool.query('delete from former_integration'))

    it('E14 ends what the former gave: nobody gets it, and it is shown to the former alone', async () => {
      const { world, state } = await known()
      await vault.grant(world, 3600)
      await told('integration', world.integrationGuid, elsewhere(state), 3)
      expect(await vault.refused(world)).toMatchObject({ code: 'grant.none' })
      await eventually(async () => (await vault.grants.forRefresh(world.grantGuid))?.status === 'revoked')
      expect(await placesLike(`grant/${world.grantGuid}/%`)).toEqual([])
      expect(await revocations.work()).toBe(1)
      expect(provider.revoked.map((form) => form.get('token'))).toEqual([provider.refreshToken])
      expect(await formers()).toBe(1)
      await forgetFormer(vault.pool, 0)
      expect(await formers()).toBe(0)
    })

    it('E14 does not refresh what the former gave', async () => {
      const { world, state } = await known()
      await vault.grant(world, 3600)
      const grant = { guid: world.grantGuid, generation: 1 }
      const calls = provider.calls.length
      const changed = { ...state, client: { ...state.client!, client_id: 'another' } }
      expect(await vault.refreshes.refresh(grant, changed)).toEqual({ kind: 'moved_on' })
      expect(provider.calls).toHaveLength(calls)
    })

    it('E14 tells the former of what was owed to it before', async () => {
      const { world, state } = await known()
      await vault.grant(world, 3600)
      provider.fault = { status: 503, body: {} }
      await end(world)
      expect(await revocations.work()).toBe(0)
      await told('integration', world.integrationGuid, elsewhere(state), 3)
      provider.fault = undefined
      await hasCome()
      expect(await revocations.work()).toBe(1)
      expect(provider.revoked.map((form) => form.get('token'))).toEqual([provider.refreshToken])
    })

    it('lets people consent anew, whoever they are there', async () => {
      const { world, state } = await known()
      await vault.grant(world, 3600)
      const another = { ...state, client: { ...state.client!, client_id: 'another' } }
      await told('integration', world.integrationGuid, another, 3)
      await consents(world)
      expect((await vault.exchanged(world)).accessToken.reveal()).toMatch(/^access-[1-9]/)
      expect(await revocations.work()).toBe(1)
      expect(provider.revoked.map((form) => form.get('client_id'))).toEqual([state.client!.client_id])
    })
  })

  it('not the loss of access to content: the exchange refuses, and gives again what is seen again', async () => {
    const world = await authorized()
    await vault.tell('content', world.contentGuid, world.content({ access_type: 'acl' }), 2)
    vault.ask = () => Promise.resolve(undefined)
    expect(await vault.refused(world)).toMatchObject({ code: 'content.access_denied' })
    expect(await endings.sweep()).toBe(0)
    await vault.tell('content', world.contentGuid, world.content(), 3)
    expect((await vault.exchanged(world)).accessToken.reveal()).toBe('access-0')
  })

  it('not the end of an association, whether or not a refresh is on its way (C20)', async () => {
    const world = await authorized()
    await vault.pool.query('update oauth_grant set expires_at = clock_timestamp() where guid = $1', [world.grantGuid])
    vault.ask = () => Promise.resolve(undefined)
    provider.refreshToken = 'refresh-now'
    await vault.pool.query('delete from safe where place like $1', [`grant/${world.grantGuid}/refresh_token`])
    await vault.safe.put(vault.pool, ['grant', world.grantGuid, 'refresh_token'], 1, new Secret('refresh-now'))
    const release = provider.hold()
    const calls = provider.calls.length
    const refused = vault.refused(world)
    await eventually(() => provider.calls.length > calls)
    await vault.tell('content', world.contentGuid, world.content({ associations: [] }), 2)
    release()
    expect(await refused).toMatchObject({ payload: { oauth_error: 'invalid_target' } })
    expect(await placesLike(`grant/${world.grantGuid}/access_token`)).toHaveLength(1)
    await vault.tell('content', world.contentGuid, world.content(), 3)
    expect((await vault.exchanged(world)).accessToken.reveal()).toMatch(/^access-[1-9]/)
  })
})

describe('the former tokens of a service account', () => {
  async function robot(): Promise<{ world: World; state: IntegrationState; token: string }> {
    const reference = randomUUID()
    const client = {
      client_id: 'robot',
      token_endpoint_auth_method: 'client_secret_post',
      scope: '',
      client_secret_reference: reference,
    } as const
    const { world, state } = await known({ auth_type: 'Service Account', client })
    await vault.secrets.put(reference, world.integrationGuid, new Secret('the-secret'))
    const outcome = await vault.serviceAccountTokens.obtain(state)
    if (outcome.kind !== 'token') throw new Error(outcome.kind)
    return { world, state, token: outcome.accessToken.reveal() }
  }
  const heard = () => provider.revoked.map((form) => [form.get('token'), form.get('token_type_hint')])

  it('SVC-06 are revoked when its secret is replaced', async () => {
    const { world, state, token } = await robot()
    const reference = randomUUID()
    await vault.secrets.put(reference, world.integrationGuid, new Secret('another'))
    const client = { ...state.client!, client_secret_reference: reference }
    await told('integration', world.integrationGuid, { ...state, client }, 3)
    expect(await revocations.work()).toBe(1)
    expect(heard()).toEqual([[token, 'access_token']])
    expect(provider.revoked[0]!.get('client_secret')).toBe('another')
  })

  it('SVC-06 are revoked when it is deleted, and then nothing is left of it', async () => {
    const { world, token } = await robot()
    await told('integration', world.integrationGuid, null, 3)
    expect(await revocations.work()).toBe(1)
    expect(heard()).toEqual([[token, 'access_token']])
    expect(provider.revoked[0]!.get('client_secret')).toBe('the-secret')
    await forgetFormer(vault.pool, 0)
    const { rowCount } = await vault.pool.query('select from former_integration where guid = $1', [
      world.integrationGuid,
    ])
    expect([rowCount, await placesLike(`service_account/${world.integrationGuid}/%`)]).toEqual([0, []])
  })

  it('SVC-06 are shown to no other provider when it has another from now on', async () => {
    const { world, state } = await robot()
    const authorization_server = { ...state.authorization_server!, revocation_endpoint: `${provider.url}/revoke?other` }
    await told('integration', world.integrationGuid, { ...state, authorization_server }, 3)
    expect([await revocations.work(), heard()]).toEqual([0, []])
    expect(await placesLike(`service_account/${world.integrationGuid}/%`)).toEqual([])
  })
})
