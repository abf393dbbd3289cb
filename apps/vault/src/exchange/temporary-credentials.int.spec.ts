import { randomUUID } from 'node:crypto'
import { jest } from '@jest/globals'
import { Logger } from '@nestjs/common'
import {
  contentSubject,
  DomainError,
  errorNumber,
  REQUESTED_TOKEN_TYPE,
  Secret,
  type IntegrationState,
} from '#libs/contracts'
import { eventually, SecurityTokenService, VendorServer } from '#libs/testing'
import { tokenPlace } from '../grant/grant.stream.js'
import { newHouse, type World } from '../house.fixture.js'
import { endGrant } from '../revocation/end-grant.js'
import type { Issued } from './exchange.js'
import { OpenIdIssuer } from './open-id-issuer.fixture.js'

const ROLE = 'arn:aws:iam::123456789012:role/analyst'
const TYPE = REQUESTED_TOKEN_TYPE.temporaryCredentials

const house = await newHouse()
const { provider } = house
const vault = house.process()
/** The viewers' OpenID provider, and this server as others see it. */
const issuer = await new OpenIdIssuer().start()
const server = await new OpenIdIssuer().start()
const sts = new SecurityTokenService()
const stsServer = await new VendorServer(sts.vendor).start()
afterAll(async () => {
  for (const each of [issuer, server, stsServer, house]) await ('stop' in each ? each.stop() : each.close())
})

let world: World
/** What the provider's next answers bring. */
const idToken = async (claims: object | null = {}, secondsLeft = 300): Promise<string | undefined> => {
  const id_token =
    claims === null ? undefined : await issuer.sign({ aud: 'keybearer', sub: 'canary-vera', ...claims }, secondsLeft)
  provider.more = { id_token }
  return id_token
}

beforeEach(async () => {
  world = house.world()
  sts.trusted.clear()
  sts.trusted.set(issuer.url, ['keybearer'])
  sts.trusted.set(server.url, ['sts.example.com'])
  Object.assign(sts, { admits: () => true, lifetimeMs: 3_600_000 })
  sts.sessions.length = 0
  stsServer.journal.length = 0
  stsServer.fault = undefined
  Object.assign(provider, { fault: undefined, more: {}, expiresIn: 3600, rotates: true })
  provider.calls.length = 0
  vault.ask = () => Promise.resolve(undefined)
  vault.signIdToken = async (content, audience) =>
    new Secret(await server.sign({ sub: contentSubject(content), aud: audience }))
  await vault.tellAll(world)
})

const issues = (
  more: Partial<NonNullable<IntegrationState['issues']>> = {},
): NonNullable<IntegrationState['issues']> => ({
  type: TYPE,
  endpoint: `${stsServer.url}/`,
  parameters: { Action: 'AssumeRoleWithWebIdentity', Version: '2011-06-15', RoleArn: ROLE },
  ...more,
})

let version = 2
const ofViewer = async (issuerUrl = issuer.url): Promise<IntegrationState> => {
  const { authorization_server: server } = world.integration()
  const authorization_server = { ...server!, issuer: issuerUrl }
  const integration = world.integration({ authorization_server, issues: issues() })
  await vault.tell('integration', world.integrationGuid, integration, version++)
  return integration
}
const ofContent = (changes: Partial<IntegrationState['issues'] & object> = {}): Promise<void> => {
  const state = { auth_type: 'Service Account', authorization_server: null, client: null } as const
  const audience = 'sts.example.com'
  const integration = world.integration({ ...state, issues: issues({ audience, ...changes }) })
  return vault.tell('integration', world.integrationGuid, integration, version++)
}

/** The viewer consents in the browser. */
async function consents(): Promise<void> {
  const viewer = { type: 'user', guid: world.viewerGuid, role: 'viewer', sid: randomUUID() } as const
  const answer = await vault.consent.begin(viewer, world.integrationGuid, {
    returnTo: `/content/${world.contentGuid}/`,
  })
  const { searchParams } = new URL('redirect' in answer ? answer.redirect : '')
  const value = `code-${randomUUID()}`
  provider.code = { value, challenge: searchParams.get('code_challenge') ?? '' }
  const query = new URLSearchParams({ state: searchParams.get('state') ?? '', code: value })
  expect(await vault.consent.finish(viewer, query)).toEqual({
    redirect: expect.stringContaining('/content/') as string,
  })
}

const exchanged = (): Promise<Issued> => vault.exchanged(world, { requested_token_type: TYPE })
const exchangedByContent = async (): Promise<Issued> =>
  vault.exchange.exchange(await world.contentForm({ requested_token_type: TYPE }), world.caller)

/** Number and error code of the refusal. */
async function refused(exchange: Promise<Issued>): Promise<[number, number, string, unknown]> {
  const error: unknown = await exchange.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof DomainError)) throw error ?? new Error('the exchange was not refused')
  const { number, status } = errorNumber(error)
  expect(JSON.stringify([error.message, error.payload])).not.toMatch(/canary|eyJ/)
  return [number, status, error.code, error.payload?.['provider_error']]
}

const opened = ({ accessToken }: Issued) =>
  JSON.parse(Buffer.from(accessToken.reveal(), 'base64').toString()) as Record<string, string>

const kept = async () => {
  const { rows } = await vault.pool.query<{ generation: number }>(
    `select generation from safe where place = 'grant/' || $1 || '/id_token' order by generation`,
    [world.grantGuid],
  )
  return rows.map(({ generation }) => generation)
}

const lasted = (seconds: number) =>
  vault.pool.query(
    `update oauth_grant set id_token_expires_at = clock_timestamp() + make_interval(secs => $2) where guid = $1`,
    [world.grantGuid, seconds],
  )

describe('temporary credentials of a viewer', () => {
  it('FLOW-06 are what their ID token is traded for, and never the access token', async () => {
    await ofViewer()
    await idToken()
    await consents()
    const issued = await exchanged()
    expect(opened(issued)).toEqual({
      accessKeyId: expect.stringMatching(/^ASIA\d{16}$/) as string,
      secretAccessKey: expect.stringContaining('canary/secret+key/') as string,
      sessionToken: expect.stringMatching(/^FwoGZ.*==$/) as string,
      expiration: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string,
    })
    expect(issued.accessToken.reveal()).toMatch(/^[A-Za-z0-9+/]+={0,2}$/)
    expect([issued.type, issued.expiresIn! > 3_500, issued.expiresIn! <= 3_600]).toEqual([TYPE, true, true])
    expect(sts.sessions).toEqual([
      { role: ROLE, name: `viewer-${world.viewerGuid}`, issuer: issuer.url, subject: 'canary-vera' },
    ])
    expect(provider.calls).toHaveLength(1)
    expect((await refused(vault.exchanged(world)))[0]).toBe(242)
  })

  it('are given although the ID token ends on its way', async () => {
    await ofViewer()
    await idToken()
    await consents()
    sts.admits = () => {
      void lasted(-1)
      return true
    }
    stsServer.fault = { delayMs: 200 }
    expect((await exchanged()).type).toBe(TYPE)
  })

  it('are not given when the grant has another’s tokens by then', async () => {
    await ofViewer()
    await idToken()
    await consents()
    sts.admits = () => {
      void vault.pool.query('update oauth_grant set generation = 7 where guid = $1', [world.grantGuid])
      return true
    }
    stsServer.fault = { delayMs: 200 }
    expect((await refused(exchanged()))[1]).toBe(503)
    expect(await issuedRows()).toEqual([])
  })

  it('are new with each exchange: none are kept', async () => {
    await ofViewer()
    await idToken()
    await consents()
    const [first, second] = [opened(await exchanged()), opened(await exchanged())]
    expect(first['accessKeyId']).not.toBe(second['accessKeyId'])
    expect(stsServer.journal).toHaveLength(2)
  })

  it('VAULT-05 want an ID token that lasts: another is got once that one ends, whatever the access token does', async () => {
    await ofViewer()
    await idToken()
    await consents()
    expect(await kept()).toEqual([1])
    await vault.pool.query(
      `update oauth_grant set expires_at = clock_timestamp() - interval '1 hour' where guid = $1`,
      [world.grantGuid],
    )
    await exchanged()
    expect(provider.calls).toHaveLength(1)
    await lasted(3)
    await idToken()
    await exchanged()
    await exchanged()
    expect(provider.calls).toHaveLength(2)
    expect(await kept()).toEqual([2])
  })

  it.each([
    ['is damaged', 'update safe set envelope = set_byte(envelope, 70, get_byte(envelope, 70) # 1) where place = $1'],
    ['was deleted by a rotation', 'delete from safe where place = $1'],
  ])('E17 get another ID token by a refresh when the one at hand %s', async (_, damage) => {
    await ofViewer()
    await idToken()
    await consents()
    await vault.pool.query(damage, [tokenPlace(world.grantGuid, 'id_token').join('/')])
    await idToken()
    expect((await exchanged()).type).toBe(TYPE)
    expect((await exchanged()).type).toBe(TYPE)
    expect([await kept(), provider.calls.length]).toEqual([[2], 2])
  })

  it('E17 say that there is no ID token when the one at hand is damaged and no other comes (276)', async () => {
    await ofViewer()
    await idToken()
    await consents()
    await vault.pool.query('delete from safe where place = $1', [tokenPlace(world.grantGuid, 'id_token').join('/')])
    await idToken(null)
    expect((await refused(exchanged()))[0]).toBe(276)
    expect([stsServer.journal, provider.calls.length]).toEqual([[], 2])
  })

  it('go on with the former ID token while it lasts, and then say that there is none (276)', async () => {
    const integration = await ofViewer()
    await idToken()
    await consents()
    await idToken(null)
    await vault.refreshes.refresh({ guid: world.grantGuid, generation: 1 }, integration)
    expect(await kept()).toEqual([2])
    await exchanged()
    expect(sts.sessions).toHaveLength(1)
    await lasted(-1)
    expect(await refused(exchanged())).toEqual([276, 400, 'grant.no_id_token', undefined])
    const calls = provider.calls.length
    // Nobody asks again at once for what was not given.
    expect((await refused(exchanged()))[0]).toBe(276)
    expect(provider.calls).toHaveLength(calls)
  })

  it('R02 are not asked for time after time in the last seconds of an ID token that nothing comes after (276)', async () => {
    await ofViewer()
    await idToken()
    await consents()
    await idToken(null)
    await lasted(10)
    for (let n = 0; n < 3; n++) expect(await refused(exchanged())).toEqual([276, 400, 'grant.no_id_token', undefined])
    expect(provider.calls).toHaveLength(2)
  })

  it.each([
    ['none: 276', 276, null],
    ['one for another application: 251', 251, { aud: 'other' }],
    ['one of another issuer: 251', 251, { iss: 'https://evil.example' }],
  ])('are refused when the provider gave %s', async (_, number, claims) => {
    await ofViewer()
    await idToken(claims)
    await consents()
    expect((await refused(exchanged()))[0]).toBe(number)
    expect([await kept(), stsServer.journal, provider.calls.length]).toEqual([[], [], 1])
    // Once it is mended there, a minute later.
    await vault.pool.query(`update oauth_grant set token_since = token_since - interval '2 min' where guid = $1`, [
      world.grantGuid,
    ])
    await idToken()
    expect((await exchanged()).type).toBe(TYPE)
  })

  it('are refused while nobody can say whether the ID token is good (275)', async () => {
    const elsewhere = await new OpenIdIssuer().start()
    await ofViewer(elsewhere.url)
    elsewhere.up = false
    provider.more = { id_token: await elsewhere.sign({ aud: 'keybearer', sub: 'canary-vera' }) }
    await consents()
    expect((await refused(exchanged()))[0]).toBe(275)
    await elsewhere.stop()
  })

  it('R02 want no answer of the issuer between a rotated token and the safe: its keys are fetched before', async () => {
    const elsewhere = await new OpenIdIssuer().start()
    const integration = await ofViewer(elsewhere.url)
    const fresh = house.process()
    provider.more = { id_token: await elsewhere.sign({ aud: 'keybearer', sub: 'canary-vera' }) }
    await consents()
    const second = await elsewhere.sign({ aud: 'keybearer', sub: 'canary-vera' }, 400)
    provider.more = { id_token: second }
    const release = provider.hold()
    const refreshed = fresh.refreshes.refresh({ guid: world.grantGuid, generation: 1 }, integration)
    await eventually(() => provider.calls.length === 2)
    elsewhere.up = false
    release()
    expect(await refreshed).toEqual({ kind: 'refreshed' })
    // And not the former one, with which one would go on if this one could not be verified.
    expect((await vault.safe.open(vault.pool, tokenPlace(world.grantGuid, 'id_token'), 2)).reveal()).toBe(second)
    await elsewhere.stop()
  })

  it('are never of somebody else than has consented', async () => {
    await ofViewer()
    await idToken()
    await consents()
    await lasted(-1)
    await idToken({ sub: 'canary-walt' })
    expect((await refused(exchanged()))[0]).toBe(251)
    expect(sts.sessions).toEqual([])
  })

  it('VAULT-09 end with the grant, and so does the ID token', async () => {
    await ofViewer()
    await idToken()
    await consents()
    const context = { actor: { type: 'service', name: 'vault' }, commandId: randomUUID() } as const
    await endGrant(vault, world.grantGuid, 'user', context)
    expect(await kept()).toEqual([])
    expect((await refused(exchanged()))[0]).toBe(220)
  })

  it('VAULT-06 are not given to who may not have them any more when they come', async () => {
    await ofViewer()
    await idToken()
    await consents()
    const { promise, resolve } = Promise.withResolvers<void>()
    sts.admits = () => {
      resolve()
      return true
    }
    stsServer.fault = { delayMs: 300 }
    const exchange = refused(exchanged())
    await promise
    expect(vault.heldConnections).toBe(0)
    await vault.tell('content', world.contentGuid, world.content({ locked: true }), version++)
    expect((await exchange)[0]).toBe(19)
    expect((await issuedRows()).length).toBe(0)
  })
})

const issuedRows = async (): Promise<Record<string, unknown>[]> => {
  const { rows } = await vault.pool.query<{ data: string }>(
    `select data from issue where type = 'CredentialsIssued' and data::json ->> 'contentGuid' = $1`,
    [world.contentGuid],
  )
  return rows.map(({ data }) => JSON.parse(data) as Record<string, unknown>)
}

describe('temporary credentials of content', () => {
  it('SVC-03 are what this server’s own word for it is traded for', async () => {
    await ofContent()
    const issued = await exchangedByContent()
    expect(opened(issued)['accessKeyId']).toMatch(/^ASIA/)
    expect(issued.type).toBe(TYPE)
    expect(sts.sessions).toEqual([
      {
        role: ROLE,
        name: `content-${world.contentGuid}`,
        issuer: server.url,
        subject: `content:${world.contentGuid}`,
      },
    ])
    expect(await issuedRows()).toEqual([
      {
        userGuid: world.ownerGuid,
        contentGuid: world.contentGuid,
        integrationGuid: world.integrationGuid,
        grantGuid: null,
        sessionName: `content-${world.contentGuid}`,
        expiresAt: expect.any(String) as string,
      },
    ])
  })

  it.each<[string, () => unknown, [number, number, string, unknown]]>([
    [
      'the role’s trust policy does not admit the content',
      () => (sts.admits = ({ sub }) => sub === 'content:other'),
      [248, 400, 'exchange.credentials_refused', 'AccessDenied'],
    ],
    [
      'this server is no identity provider there',
      () => sts.trusted.clear(),
      [248, 400, 'exchange.credentials_refused', 'InvalidIdentityToken'],
    ],
    [
      'the audience is another one there',
      () => sts.trusted.set(server.url, ['other']),
      [248, 400, 'exchange.credentials_refused', 'InvalidIdentityToken'],
    ],
    [
      'the ID token had ended',
      () => (vault.signIdToken = async (sub, aud) => new Secret(await server.sign({ sub, aud }, -60))),
      [248, 400, 'exchange.credentials_refused', 'ExpiredTokenException'],
    ],
    [
      'the service fails',
      () =>
        (stsServer.fault = {
          status: 500,
          body: '<ErrorResponse><Error><Code>InternalFailure</Code></Error></ErrorResponse>',
        }),
      [248, 502, 'exchange.credentials_unavailable', undefined],
    ],
    [
      'the service says garbage',
      () => (stsServer.fault = { body: '<a><b>' }),
      [248, 502, 'exchange.credentials_unavailable', undefined],
    ],
    [
      'the service says too much',
      () => (stsServer.fault = { body: `<a>${'x'.repeat(300_000)}</a>` }),
      [248, 502, 'exchange.credentials_unavailable', undefined],
    ],
    [
      'the service hangs up',
      () => (stsServer.fault = { instead: (response) => response.destroy() }),
      [248, 502, 'exchange.credentials_unavailable', undefined],
    ],
    [
      'the service leads elsewhere',
      () => (stsServer.fault = { status: 307, headers: { location: 'https://evil.example/' } }),
      [248, 502, 'exchange.credentials_unavailable', undefined],
    ],
  ])('F01 are refused with who can mend it when %s', async (_, prepare, refusal) => {
    await ofContent()
    prepare()
    expect(await refused(exchangedByContent())).toEqual(refusal)
    expect(await issuedRows()).toEqual([])
  })

  it.each([
    ['fails', 503, '<html>'],
    ['is throttled', 400, '<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>'],
  ])('R10 leave a service in peace that %s time after time', async (_, status, body) => {
    await ofContent()
    stsServer.fault = { status, body }
    for (let n = 0; n < 8; n++) expect((await refused(exchangedByContent()))[1]).toBe(502)
    expect(stsServer.journal).toHaveLength(5)
  })

  it('are refused where an older integration does not say for whom the word is', async () => {
    await ofContent({ audience: undefined })
    expect((await refused(exchangedByContent()))[0]).toBe(241)
  })

  it('are refused while nobody signs for the content', async () => {
    await ofContent()
    vault.signIdToken = () => Promise.reject(new DomainError('unavailable', 'service.unavailable', 'identity is down'))
    expect((await refused(exchangedByContent()))[1]).toBe(503)
    expect(stsServer.journal).toEqual([])
  })
})

it('E22 nobody logs, records or tells an ID token or a key', async () => {
  const lines: unknown[] = []
  const spies = (['warn', 'error', 'log'] as const).map((level) =>
    jest.spyOn(Logger.prototype, level).mockImplementation((...line: unknown[]) => void lines.push(line)),
  )
  await ofViewer()
  const token = await idToken()
  await consents()
  const issued = await exchanged()
  sts.admits = () => false
  await refused(exchanged())
  await lasted(-1)
  await idToken({ sub: 'canary-walt' })
  await refused(exchanged())
  for (const spy of spies) spy.mockRestore()
  expect(lines.length).toBeGreaterThan(1)
  const { rows: events } = await vault.pool.query('select data, meta from log.event')
  const { rows: rowsOfIssues } = await vault.pool.query('select data, meta from log.issue')
  const { rows: grants } = await vault.pool.query('select * from oauth_grant')
  const all = JSON.stringify([events, rowsOfIssues, grants, lines], (_, value: unknown) =>
    value instanceof Error ? { ...value, message: value.message, cause: value.cause } : value,
  )
  const [, payload, signature] = token!.split('.')
  for (const secret of [
    payload!,
    signature!,
    'canary',
    issued.accessToken.reveal(),
    ...Object.values(opened(issued)).slice(0, 3),
  ])
    expect(all).not.toContain(secret)
})
