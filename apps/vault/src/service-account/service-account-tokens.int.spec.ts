import { randomUUID } from 'node:crypto'
import {
  changeSubject,
  DomainError,
  integrationContract,
  Secret,
  type ContentState,
  type IntegrationState,
} from '#libs/contracts'
import { AuditReader } from '#libs/event-sourcing'
import { CLIENT_ID, CLIENT_SECRET, eventually, SICKNESSES, VendorServer, vendors } from '#libs/testing'
import { audited } from '../audit/actions.js'
import type { KeyActor } from '../exchange/decide.js'
import type { Issued } from '../exchange/exchange.js'
import { newHouse, type VaultProcess, type World } from '../house.fixture.js'

const house = await newHouse()
/** One that can be sick in every way. */
const vendor = await new VendorServer(vendors.custom({ authentication: 'client_secret_post', expiresIn: 3600 })).start()
const vault = house.process()
const another = house.process()
afterAll(async () => {
  await vendor.stop()
  await house.close()
})

let world: World
beforeEach(async () => {
  world = house.world()
  await vault.tellAll(world)
  await makeRobot()
  Object.assign(house.provider, { fault: undefined, expiresIn: 3600 })
  house.provider.calls.length = 0
  vault.statements.length = 0
  // Nothing newer than what was told.
  vault.ask = () => Promise.resolve(undefined)
})

/** Turns the world's integration into a service account whose secret is in the safe. */
async function makeRobot(
  version = 2,
  changes: Partial<IntegrationState> = {},
  { client_id = 'robot', secret = 'canary-secret' } = {},
): Promise<IntegrationState> {
  const reference = randomUUID()
  await vault.secrets.put(reference, world.integrationGuid, new Secret(secret))
  const state = world.integration({
    auth_type: 'Service Account',
    client: {
      client_id,
      token_endpoint_auth_method: 'client_secret_post',
      scope: 'all-apis',
      client_secret_reference: reference,
    },
    ...changes,
  })
  await vault.tell('integration', world.integrationGuid, state, version)
  return state
}

/** As a change message brings it. */
const told = (state: IntegrationState | null, version: number): Promise<void> => {
  const { type, revision } = integrationContract
  const message = { type, schema_version: 1, revision, version, cause: [], state }
  return vault.replicas
    .of(integrationContract)
    .handle(message, changeSubject(integrationContract, world.integrationGuid))
}

const kept = async (): Promise<string[]> => {
  const { rows } = await vault.pool.query<{ place: string }>('select place from safe where place like $1', [
    `service_account/${world.integrationGuid}/%`,
  ])
  return rows.map(({ place }) => place)
}

const contentIs = (changes: Partial<ContentState>) =>
  vault.tell('content', world.contentGuid, world.content(changes), 2)

const exchanged = async (
  { process = vault, caller = world.caller, form = {} as Record<string, string> } = {} as {
    process?: VaultProcess
    caller?: KeyActor
    form?: Record<string, string>
  },
): Promise<Issued> => process.exchange.exchange(await world.contentForm(form), caller)

async function refused(options: Parameters<typeof exchanged>[0] = {}): Promise<string> {
  try {
    await exchanged(options)
  } catch (error) {
    if (error instanceof DomainError) return error.code
    throw error
  }
  throw new Error('the exchange was not refused')
}

describe('a service account at the exchange', () => {
  it('SVC-01 SVC-02 INT-06 gets a token by the client credentials grant, for itself and nobody else', async () => {
    const { accessToken, expiresIn } = await exchanged()
    expect(accessToken.reveal()).toMatch(/^access-\d+$/)
    expect(expiresIn).toBeGreaterThan(3_500)
    expect(house.provider.calls.map((form) => Object.fromEntries(form))).toEqual([
      { grant_type: 'client_credentials', client_id: 'robot', client_secret: 'canary-secret', scope: 'all-apis' },
    ])
  })

  it('SVC-03 PERS-12 gives whoever runs the content the token of one identity, as long as it lasts', async () => {
    const first = (await exchanged()).accessToken.reveal()
    // Another run, of another visitor, in another process of the house.
    expect((await exchanged()).accessToken.reveal()).toBe(first)
    expect((await exchanged({ process: another })).accessToken.reveal()).toBe(first)
    expect(house.provider.calls).toHaveLength(1)
  })

  it('takes one statement for all facts and one for the audit, when a token is at hand', async () => {
    await exchanged()
    vault.statements.length = 0
    await exchanged()
    expect(vault.statements.map((text) => text.trim().split(/\s+/)[0])).toEqual(['select', 'insert'])
  })

  it('R01 asks the provider once, however many ask at once in however many processes', async () => {
    const release = house.provider.hold()
    const asked = Array.from({ length: 60 }, (_, n) => exchanged({ process: n % 2 ? vault : another }))
    await eventually(() => house.provider.calls.length > 0)
    release()
    const tokens = new Set((await Promise.all(asked)).map(({ accessToken }) => accessToken.reveal()))
    expect([tokens.size, house.provider.calls.length]).toEqual([1, 1])
  })

  it('VAULT-05 VAULT-09 gets another when the former ends, and keeps no former one', async () => {
    const first = (await exchanged()).accessToken.reveal()
    await vault.pool.query(
      `update service_token set obtained_at = obtained_at - interval '1 hour', expires_at = clock_timestamp() + interval '20 s'`,
    )
    expect((await exchanged()).accessToken.reveal()).not.toBe(first)
    const { rows } = await vault.pool.query('select generation from safe where place like $1', [
      `service_account/${world.integrationGuid}/%`,
    ])
    expect(rows).toEqual([{ generation: 2 }])
  })

  it('keeps a token that does not say when it ends for a minute, and invents no end', async () => {
    house.provider.expiresIn = undefined
    const first = await exchanged()
    expect(first.expiresIn).toBeUndefined()
    expect((await exchanged()).accessToken.reveal()).toBe(first.accessToken.reveal())
    await vault.pool.query(`update service_token set obtained_at = obtained_at - interval '1 minute'`)
    expect((await exchanged()).accessToken.reveal()).not.toBe(first.accessToken.reveal())
  })

  it('INT-20 hands out nothing that was got with a former secret', async () => {
    const first = (await exchanged()).accessToken.reveal()
    await makeRobot(3)
    expect((await exchanged()).accessToken.reveal()).not.toBe(first)
  })

  it('E17 gets another when the one at hand does not open any more', async () => {
    const first = (await exchanged()).accessToken.reveal()
    await vault.pool.query(
      `update safe set envelope = set_byte(envelope, 40, get_byte(envelope, 40) # 1) where place = $1`,
      [`service_account/${world.integrationGuid}/access_token`],
    )
    const second = (await exchanged()).accessToken.reveal()
    expect(second).not.toBe(first)
    expect((await exchanged()).accessToken.reveal()).toBe(second)
  })

  it('E17 gets another when a rotation has deleted the damaged one', async () => {
    const first = (await exchanged()).accessToken.reveal()
    await vault.pool.query('delete from safe where place = $1', [
      `service_account/${world.integrationGuid}/access_token`,
    ])
    const second = (await exchanged()).accessToken.reveal()
    expect(second).not.toBe(first)
    expect((await exchanged()).accessToken.reveal()).toBe(second)
  })

  it('SVC-06 is not begun for an integration that is deleted between the decision and the request', async () => {
    const deleted = await makeRobot(3)
    await told(null, 4)
    expect(await vault.serviceAccountTokens.obtain(deleted)).toEqual({ kind: 'waited_in_vain' })
    expect(house.provider.calls).toHaveLength(0)
    const { rows } = await vault.pool.query('select from service_token where integration_guid = $1', [deleted.guid])
    expect(rows).toEqual([])
  })

  it('SVC-06 VAULT-08 keeps the token sealed, and ends it with its integration', async () => {
    const token = (await exchanged()).accessToken.reveal()
    const place = `service_account/${world.integrationGuid}/access_token`
    const { rows } = await vault.pool.query<{ envelope: Buffer }>('select envelope from safe where place = $1', [place])
    expect(rows).toHaveLength(1)
    expect(rows[0]!.envelope.includes(token)).toBe(false)
    await told(null, 3)
    expect(await kept()).toEqual([])
  })

  it.each([
    ['refuses us', { status: 401, body: { error: 'invalid_client' } }, 'token_endpoint.failed'],
    ['fails', { status: 500, body: {} }, 'token_endpoint.unavailable'],
  ])('says so with 241 when the provider %s, and is not asked by everybody who waits', async (_, fault, code) => {
    house.provider.fault = fault
    const codes = await Promise.all(Array.from({ length: 5 }, () => refused()))
    expect(new Set(codes)).toEqual(new Set([code]))
    expect(await refused()).toBe(code)
    expect(house.provider.calls).toHaveLength(1)
  })

  it('leaves who, for what and through which content in the audit, and nothing of the token', async () => {
    const token = (await exchanged()).accessToken.reveal()
    const reader = new AuditReader(vault.pool, audited)
    const conditions = [{ things: [world.contentGuid] }]
    const { entries } = await reader.answer({ limit: 10, order: 'ascending', conditions })
    expect(entries).toMatchObject([{ action: 'issue_service_token', user_guid: world.ownerGuid, process: null }])
    expect(JSON.stringify(entries)).not.toContain(token)
  })
})

describe('who may have it', () => {
  it('CONTENT-09 CONTENT-10 C21 content that is open to everybody or by link, since no visitor is asked for', async () => {
    await contentIs({ access_type: 'all' })
    await exchanged()
    const link = { guid: randomUUID(), token_hash: 'x', expires_at: null }
    await contentIs({ access_type: 'acl', share_links: [link] })
    await exchanged()
    await contentIs({ kind: 'rendered' })
    await exchanged()
    await contentIs({ kind: 'static' })
    expect(await refused()).toBe('association.unsupported_auth_type')
  })

  it('C10 no viewer by their session, and no viewer’s integration by the content', async () => {
    expect(await vault.refused(world)).toMatchObject({ code: 'exchange.auth_type_mismatch' })
    await vault.tell('integration', world.integrationGuid, world.integration(), 3)
    expect(await refused()).toBe('exchange.auth_type_mismatch')
  })

  it('C11 C01 no key of other content, no former owner, and no content that is gone', async () => {
    const bound = (content: string, owner = world.ownerGuid): KeyActor => ({
      type: 'content_key',
      guid: randomUUID(),
      content,
      owner,
    })
    await exchanged({ caller: bound(world.contentGuid) })
    for (const caller of [bound(randomUUID()), bound(world.contentGuid, world.viewerGuid)])
      expect(await refused({ caller })).toBe('permission.denied')
    await vault.tell('content', world.contentGuid, null, 3)
    expect(await refused()).toBe('permission.denied')
  })

  it('C06 C09 C11 no token of another kind, key, issuer or audience (236)', async () => {
    const made = await Promise.all([
      world.contentToken({ typ: 'keybearer-user-session+jwt' }),
      world.contentToken({ typ: 'keybearer-actor+jwt' }),
      world.contentToken({ iss: 'https://evil.example' }),
      world.contentToken({ aud: 'identity' }),
      world.contentToken({ sub: 'x' }),
      world.subjectToken(),
      world.contentToken().then((token) => `${token.slice(0, -8)}AAAAAAAA`),
    ])
    for (const subject_token of made)
      expect(await refused({ form: { subject_token } })).toBe('exchange.content_session_token')
    // And none of content for a viewer's.
    expect(await vault.refused(world, { subject_token: await world.contentToken() })).toMatchObject({
      code: 'exchange.subject_token',
    })
  })

  it('C19 C20 no content whose association ends while the token is on its way', async () => {
    const release = house.provider.hold()
    const asked = refused()
    await eventually(() => house.provider.calls.length > 0)
    await vault.tell('content', world.contentGuid, world.content({ associations: [] }), 2)
    release()
    expect(await asked).toBe('association.none')
  })
})

describe('a token that is at hand', () => {
  let robot: IntegrationState
  let first: string
  beforeEach(async () => {
    robot = await makeRobot()
    first = (await exchanged()).accessToken.reveal()
    expect((await exchanged()).accessToken.reveal()).toBe(first)
  })

  it.each<[string, () => Promise<IntegrationState>]>([
    ['INT-20 SVC-05 its secret is replaced', () => makeRobot(3)],
    ['SVC-06 its scopes are others', () => Promise.resolve({ ...robot, client: { ...robot.client!, scope: 'sql' } })],
    [
      'SVC-06 its client is another',
      () => Promise.resolve({ ...robot, client: { ...robot.client!, client_id: 'android' } }),
    ],
    [
      'SVC-06 its provider is another',
      () =>
        Promise.resolve({
          ...robot,
          authorization_server: { ...robot.authorization_server!, token_endpoint: `${house.provider.url}/other` },
        }),
    ],
  ])('is destroyed and never given out again when %s', async (_, change) => {
    await told(await change(), 4)
    expect(await kept()).toEqual([])
    expect((await exchanged()).accessToken.reveal()).not.toBe(first)
  })

  it('INT-21 SVC-03 stays when its integration is called something else', async () => {
    await told({ ...robot, name: 'another' }, 4)
    expect((await exchanged()).accessToken.reveal()).toBe(first)
    expect(house.provider.calls).toHaveLength(1)
  })

  it('SVC-06 is destroyed with its integration, and nobody gets it', async () => {
    await told(null, 4)
    expect([await refused(), await kept()]).toEqual(['exchange.audience', []])
  })

  it('SVC-06 C19 is for no content whose association has ended', async () => {
    await contentIs({ associations: [] })
    expect(await refused()).toBe('association.none')
  })

  it('SVC-06 is for no content that is locked', async () => {
    await contentIs({ locked: true })
    expect(await refused()).toBe('content.access_denied')
    expect(house.provider.calls).toHaveLength(1)
  })

  it('INT-20 C20 is not given out when it was on its way and the secret was replaced', async () => {
    await vault.pool.query(`update service_token set expires_at = clock_timestamp()`)
    const release = house.provider.hold()
    const asked = refused()
    await eventually(() => house.provider.calls.length === 2)
    await told(await makeRobot(3), 4)
    release()
    expect([await asked, await kept()]).toEqual(['token_endpoint.unavailable', []])
  })
})

describe('R10 a provider of a service account', () => {
  const hasty = () =>
    house.process({ settings: { tokenRequestTimeoutMs: 400, refreshLeaseMs: 600, refreshWaitMs: 2_000 } })
  beforeEach(async () => {
    vendor.fault = undefined
    vendor.journal.length = 0
    const registration = { client_id: CLIENT_ID, secret: CLIENT_SECRET }
    await makeRobot(2, { authorization_server: { token_endpoint: `${vendor.url}/token` } }, registration)
  })

  it.each(Object.entries(SICKNESSES))('that %s costs nobody a token that is still good', async (_, fault) => {
    const process = hasty()
    const { accessToken } = await exchanged({ process })
    await vault.pool.query(`update service_token set expires_at = clock_timestamp() + interval '20 s'`)
    vendor.fault = fault
    expect((await exchanged({ process })).accessToken.reveal()).toBe(accessToken.reveal())
    await vault.pool.query(`update service_token set expires_at = clock_timestamp(), failed_at = null`)
    expect(await refused({ process })).toBe('token_endpoint.unavailable')
  })

  it('hears of five attempts and of no more, and no other is left waiting', async () => {
    const process = hasty()
    vendor.fault = SICKNESSES['answers 500']
    for (let count = 0; count < 8; count++) {
      expect(await refused({ process })).toBe('token_endpoint.unavailable')
      await vault.pool.query(`update service_token set failed_at = null`)
    }
    expect(vendor.journal).toHaveLength(5)
    world = house.world()
    await vault.tellAll(world)
    await makeRobot()
    await exchanged({ process })
  })

  it('hears of one when it has said for how long', async () => {
    const process = hasty()
    vendor.fault = SICKNESSES['answers 429, Retry-After in seconds']
    for (let count = 0; count < 3; count++) {
      expect(await refused({ process })).toBe('token_endpoint.unavailable')
      await vault.pool.query(`update service_token set failed_at = null`)
    }
    expect(vendor.journal).toHaveLength(1)
  })
})
