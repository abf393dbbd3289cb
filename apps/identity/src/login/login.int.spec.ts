import { createHmac, sign, type KeyObject } from 'node:crypto'
import { jest } from '@jest/globals'
import type { ServerResponse } from 'node:http'
import { Logger } from '@nestjs/common'
import type { Pool } from 'pg'
import type { Actor } from '#libs/contracts'
import { freshDatabase, type FreshDatabase, type TestAnswer } from '#libs/testing'
import { identityUnderTest, keyOf, type IdentityUnderTest } from '../identity-under-test.conformance.js'
import { Browser } from './browser.conformance.js'
import { CLIENT, faultyProvider, type Claims, type FaultyProvider } from './faulty-provider.conformance.js'

const ADA = {
  sub: 'ada-1',
  preferred_username: 'ada',
  email: 'ada@company.com',
  given_name: 'Ada',
  family_name: 'Lovelace',
  groups: ['analysts', 'publishers'],
}

let provider: FaultyProvider
let database: FreshDatabase
let pool: Pool
let service: IdentityUnderTest

beforeAll(async () => {
  provider = await faultyProvider()
  database = await freshDatabase('identity')
  pool = database.pool()
  service = await start()
})

const start = (more = ''): Promise<IdentityUnderTest> =>
  identityUnderTest(
    database,
    `ClientId = ${CLIENT.id}
ClientSecret = "${CLIENT.secret}"
OpenIDConnectIssuer = ${provider.issuer}
GroupsAutoProvision = true
${more}`,
  )

afterAll(async () => {
  await service?.close()
  await provider?.close()
  await database?.drop()
})

beforeEach(() => {
  provider.faults = {}
  provider.person = ADA
  provider.journal.length = 0
})

const newBrowser = (): Browser => new Browser({ service, provider })

const eventCount = async (): Promise<number> =>
  (await pool.query<{ count: number }>('select count(*)::int as count from event')).rows[0]!.count
const userOf = async (username: string) =>
  (
    await pool.query<{ guid: string; role: string }>(
      `select guid, role from person join profile on user_guid = guid and version = profile_version where username = $1`,
      [username],
    )
  ).rows
/** Every row of every table of the service. */
async function everythingStored(): Promise<string> {
  const owner = database.ownerPool()
  const { rows: tables } = await owner.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('log', 'record', 'model')`,
  )
  const texts: string[] = []
  for (const { name } of tables) {
    const { rows } = await owner.query<{ text: string | null }>(
      `select string_agg(t::text, ' ') as text from ${name} t`,
    )
    texts.push(rows[0]?.text ?? '')
  }
  expect(texts.join('').length).toBeGreaterThan(1000)
  return texts.join(' ')
}
const seconds = (): number => Math.floor(Date.now() / 1000)

describe('a login', () => {
  it('LOGIN-01 LOGIN-02 LOGIN-04 goes to the provider with PKCE S256, state and nonce', async () => {
    const answer = await newBrowser().get('/__login__?return_to=/')
    const location = new URL(String(answer.headers['location']))
    expect(location.origin + location.pathname).toBe(`${provider.issuer}/authorize`)
    expect(Object.fromEntries(location.searchParams)).toMatchObject({
      response_type: 'code',
      client_id: CLIENT.id,
      redirect_uri: 'http://localhost:3939/__login__/callback',
      scope: 'openid email profile',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/) as string,
      code_challenge_method: 'S256',
      state: expect.stringMatching(/^[\w-]{43}$/) as string,
      nonce: expect.stringMatching(/^[\w-]{43}$/) as string,
    })
    expect(answer.headers['set-cookie']).toMatch(
      /^keybearer_login=[\w-]{43}; Max-Age=600; Path=\/__login__; HttpOnly; SameSite=Lax$/,
    )
  })

  it('ends where it began, with a session, and keeps nothing in the database that could be used', async () => {
    const browser = newBrowser()
    const answer = await browser.logIn('/content/c1/?a=b')
    expect(answer.status).toBe(302)
    expect(answer.headers['location']).toBe('http://localhost:3939/content/c1/?a=b')
    expect(browser.session).toMatch(/^[\w-]{43}$/)
    expect(browser.cookies.get('RSC-XSRF')).toBe(
      createHmac('sha256', browser.session!).update('xsrf').digest('base64url'),
    )

    const asserted = await service.assert(browser.session!)
    expect(asserted.json()).toMatchObject({ actor: { type: 'user', role: 'administrator' }, expires_in: 60 })
    const { rows } = await pool.query<{ everything: string }>(
      `select (select string_agg(e::text, ' ') from event e) || (select string_agg(p::text, ' ') from pending_login p)
         || (select string_agg(s::text, ' ') from session s) as everything`,
    )
    expect(rows[0]?.everything).not.toContain(browser.session)
    for (const personal of ['ada@company.com', 'Lovelace', '"ada"', 'ada-1'])
      expect(rows[0]?.everything).not.toContain(personal)
  })

  it('LOGIN-09 LOGIN-10 keeps neither access token nor ID token, and hands out neither', async () => {
    const browser = newBrowser()
    await browser.logIn('/content/c1/')
    const asserted = await service.assert(browser.session!)
    const { actor } = asserted.json<{ actor: Actor & { type: 'user' } }>()
    const token = await service.post('/internal/user-session-tokens', actor, {
      content_guid: '40000000-0000-4000-8000-000000000001',
    })
    const told = await Promise.all([
      service.get('/__api__/v1/user', actor),
      service.get(`/__api__/v1/users/${actor.guid}`, actor),
      service.request({ path: `/internal/published/user/${actor.guid}`, caller: 'gateway' }),
    ])
    const heard = [asserted, token, ...told].map(({ status, headers, text }) => {
      expect(status).toBe(200)
      return JSON.stringify(headers) + text
    })
    heard.push(...browser.cookies.values(), await everythingStored())
    const { accessTokens, idTokens } = provider.issued
    const parts = idTokens.at(-1)!.split('.')
    expect(parts).toHaveLength(3)
    for (const secret of [accessTokens.at(-1)!, ...parts.slice(1)]) {
      for (const text of heard) expect(text).not.toContain(secret)
    }
  })

  it('is one append to the user’s stream, and a second one changes the sessions only', async () => {
    provider.person = { ...ADA, sub: 'vera-1', preferred_username: 'vera' }
    await newBrowser().logIn()
    const before = await eventCount()
    await newBrowser().logIn()
    const { rows } = await pool.query<{ type: string }>('select type from event order by position offset $1', [before])
    expect(rows.map(({ type }) => type)).toEqual(['SessionBegun'])
  })

  it('LOGIN-13 GRP-03 GRP-14 follows the provider: profile and memberships, with groups made as they are named', async () => {
    provider.person = { ...ADA, sub: 'priya-1', preferred_username: 'priya' }
    await newBrowser().logIn()
    provider.person = { ...provider.person, family_name: 'Nair', groups: ['analysts', 'newcomers'] }
    await newBrowser().logIn()
    const [user] = await userOf('priya')
    const answer = await service.request({ path: `/internal/published/user/${user?.guid}`, caller: 'vault' })
    const { state } = answer.json<{ state: { last_name: string; group_guids: string[]; sessions: object[] } }>()
    expect(state).toMatchObject({ username: 'priya', last_name: 'Nair', user_role: 'viewer', locked: false })
    expect(state.sessions).toHaveLength(2)
    const { rows } = await pool.query<{ name: string }>(
      'select name from user_group where guid = any($1) order by name',
      [state.group_guids],
    )
    expect(rows.map(({ name }) => name)).toEqual(['analysts', 'newcomers'])
  })

  it('LOGIN-08 C-08 takes claims from wherever they are, the profile from UserInfo first, and who it is from the ID token', async () => {
    provider.person = { sub: 'two-places', preferred_username: 'in-the-token', given_name: 'Only in the token' }
    provider.faults.userinfo = () => ({
      sub: 'two-places',
      iss: 'https://evil.test',
      aud: 'another-client',
      preferred_username: 'in-user-info',
      email: 'two@company.com',
    })
    expect((await newBrowser().logIn()).status).toBe(302)
    const [user] = await userOf('in-user-info')
    const again = await newBrowser().logIn()
    expect(again.status).toBe(302)
    expect(await userOf('in-user-info')).toEqual([user])
    const { rows } = await pool.query<{ email: string }>('select email from profile where user_guid = $1', [user?.guid])
    expect(rows).toEqual([{ email: 'two@company.com' }])
  })

  it('works in several tabs at a time, and from wherever the browser comes back first', async () => {
    const browser = newBrowser()
    const [first, second] = [await browser.leave('/content/one/'), await browser.leave('/content/two/')]
    expect((await browser.come(second)).headers['location']).toBe('http://localhost:3939/content/two/')
    expect((await browser.come(first)).headers['location']).toBe('http://localhost:3939/content/one/')
  })

  it('A20 A22 makes another user of another subject, whatever else is the same', async () => {
    provider.person = { ...ADA, sub: 'not-ada' }
    await newBrowser().logIn()
    const users = await userOf('ada')
    expect(users).toHaveLength(2)
    expect(users.map(({ role }) => role).sort()).toEqual(['administrator', 'viewer'])
  })

  it('ID-20 gives a derived username a number when it is taken', async () => {
    for (const domain of ['a.org', 'b.org', 'c.org']) {
      provider.person = { sub: `grace@${domain}`, email: `grace@${domain}` }
      expect((await newBrowser().logIn()).status).toBe(302)
    }
    for (const name of ['grace', 'grace2', 'grace3']) expect(await userOf(name)).toHaveLength(1)
  })

  it('A33 ends the session that the browser had, whoever it was', async () => {
    const browser = newBrowser()
    await browser.logIn()
    const former = browser.session!
    await browser.logIn()
    expect((await service.assert(former)).status).toBe(401)
    const again = browser.session!
    provider.person = { ...ADA, sub: 'victor-1', preferred_username: 'victor' }
    await browser.logIn()
    expect((await service.assert(again)).status).toBe(401)
    expect((await service.assert(browser.session!)).status).toBe(200)
  })

  it('is over with the logout, and so are the cookies', async () => {
    const browser = newBrowser()
    await browser.logIn()
    const session = browser.session!
    const answer = await browser.get('/__logout__')
    expect(answer.status).toBe(302)
    const way = new URL(String(answer.headers['location']))
    expect(way.origin + way.pathname).toBe(`${provider.issuer}/logout`)
    expect(way.searchParams.has('id_token_hint')).toBe(false)
    const back = new URL(way.searchParams.get('post_logout_redirect_uri')!)
    const goodbye = await browser.get(`${back.pathname}?state=${way.searchParams.get('state')}`)
    expect([goodbye.status, goodbye.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
    expect(browser.session).toBeUndefined()
    expect((await service.assert(session)).status).toBe(401)
    expect((await service.request({ method: 'POST', path: '/__logout__' })).status).toBe(204)
  })

  it('two first logins at once make one administrator', async () => {
    const other = await freshDatabase('identity')
    const [mine, mineDatabase] = [service, database]
    try {
      database = other
      const two = [await start(), await start()]
      const backs: [IdentityUnderTest, Browser, URL][] = []
      for (const [index, one] of two.entries()) {
        service = one
        provider.person = { ...ADA, sub: `first-${index}`, preferred_username: `first${index}` }
        const browser = newBrowser()
        backs.push([one, browser, await browser.leave()])
      }
      const answers = await Promise.all(
        backs.map(([one, browser, back]) => {
          const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
          return one.request({ path: back.pathname + back.search, headers: { cookie } })
        }),
      )
      expect(answers.map(({ status }) => status)).toEqual([302, 302])
      const { rows } = await other.pool().query<{ role: string }>('select role from person order by role')
      expect(rows.map(({ role }) => role)).toEqual(['administrator', 'viewer'])
      await Promise.all(two.map((one) => one.close()))
    } finally {
      service = mine
      database = mineDatabase
      await other.drop()
    }
  })
})

const refused = async (browser: Browser, answer: TestAnswer, status: number): Promise<void> => {
  expect(answer.status).toBe(status)
  expect(answer.headers['content-type']).toMatch(/^text\/html/)
  expect(answer.headers['content-security-policy']).toContain("default-src 'none'")
  expect(answer.text).not.toContain('<script')
  expect(browser.session).toBeUndefined()
}

/** Each claim is changed from one that is accepted: the positive control of all is the login above. */
const claim =
  (changes: object) =>
  (claims: Claims): Claims => ({ ...claims, ...changes })

/** Each way of signing, with its key. */
const SIGNED = { rsa: { alg: 'RS256', kid: 'k1' }, ec: { alg: 'ES256', kid: 'k2' }, pss: { alg: 'PS256', kid: 'k3' } }

const signed =
  (by: keyof typeof SIGNED) =>
  (claims: Claims, { sign, keys }: FaultyProvider): Promise<string> =>
    sign(claims, keys[by].privateKey, SIGNED[by])

const flipped = (by: keyof typeof SIGNED) => async (claims: Claims, from: FaultyProvider) => {
  const [header, body, signature = ''] = (await signed(by)(claims, from)).split('.')
  const bytes = Buffer.from(signature, 'base64url')
  bytes[0]! ^= 1
  return `${header}.${body}.${bytes.toString('base64url')}`
}

const tokenFaults: [string, FaultyProvider['faults']][] = [
  ['A01 another issuer', { claims: claim({ iss: 'https://evil.test' }) }],
  ['A01 an issuer with a slash more', { claims: (claims) => ({ ...claims, iss: `${claims.iss}/` }) }],
  ['A02 another audience', { claims: claim({ aud: 'another-client' }) }],
  ['A03 no audience', { claims: claim({ aud: undefined }) }],
  ['A04 two audiences and no azp', { claims: claim({ aud: [CLIENT.id, 'another-client'] }) }],
  ['A04 two audiences and another azp', { claims: claim({ aud: [CLIENT.id, 'x'], azp: 'x' }) }],
  ['A04 another azp', { claims: claim({ azp: 'another-client' }) }],
  ['A05 no subject', { claims: claim({ sub: undefined }) }],
  ['A05 an empty subject', { claims: claim({ sub: '' }) }],
  ['A05 a subject with NUL', { claims: claim({ sub: 'ada\0' }) }],
  ['A05 a subject of 10 kB', { claims: claim({ sub: 'x'.repeat(10_000) }) }],
  ['A06 no iat', { claims: claim({ iat: undefined }) }],
  ['A06 an iat of tomorrow', { claims: (claims) => ({ ...claims, iat: seconds() + 86_400, exp: seconds() + 90_000 }) }],
  ['A06 an iat of 12 minutes ago', { claims: (claims) => ({ ...claims, iat: seconds() - 720 }) }],
  ['A07 an exp of 62 s ago', { claims: (claims) => ({ ...claims, exp: seconds() - 62 }) }],
  ['A07 no exp', { claims: claim({ exp: undefined }) }],
  ['A07 an exp that is a string', { claims: claim({ exp: '9999999999' }) }],
  ['A07 an nbf of tomorrow', { claims: (claims) => ({ ...claims, nbf: seconds() + 86_400 }) }],
  ['A08 another nonce', { claims: claim({ nonce: 'x' }) }],
  ['A08 no nonce', { claims: claim({ nonce: undefined }) }],
  ['A08 an empty nonce', { claims: claim({ nonce: '' }) }],
  ['A09 a forged signature', { idToken: (claims, { sign, keys }) => sign(claims, keys.stranger.privateKey) }],
  ['A09 a flipped bit in RS256', { idToken: flipped('rsa') }],
  ['A09 a flipped bit in ES256', { idToken: flipped('ec') }],
  ['A09 a flipped bit in PS256', { idToken: flipped('pss') }],
  ['A10 alg none', { idToken: (claims) => unsigned({ alg: 'none' }, claims) }],
  ['A10 alg nOnE', { idToken: (claims) => unsigned({ alg: 'nOnE' }, claims) }],
  ['A10 no alg', { idToken: (claims) => unsigned({}, claims) }],
  [
    'A11 HS256 with the public key as PEM',
    { idToken: (claims, { keys }) => hmac(claims, keys.rsa.publicKey.export({ type: 'spki', format: 'pem' })) },
  ],
  [
    'A11 HS256 with the public key as PEM behind white space',
    {
      idToken: (claims, { keys }) =>
        hmac(claims, ` \n${String(keys.rsa.publicKey.export({ type: 'spki', format: 'pem' }))}`),
    },
  ],
  [
    'A11 HS256 with the public key as DER',
    { idToken: (claims, { keys }) => hmac(claims, keys.rsa.publicKey.export({ type: 'spki', format: 'der' })) },
  ],
  [
    'A11 HS256 with the text of the JWK',
    { idToken: (claims, { keys }) => hmac(claims, JSON.stringify(keys.rsa.publicKey.export({ format: 'jwk' }))) },
  ],
  ['A12 HS256 with the client secret', { idToken: (claims) => hmac(claims, CLIENT.secret) }],
  ['A16 an unknown kid', { idToken: (claims, { sign, keys }) => sign(claims, keys.rsa.privateKey, { kid: 'k9' }) }],
  [
    'A18 a key of its own in the header',
    {
      idToken: (claims, { sign, keys }) =>
        sign(claims, keys.stranger.privateKey, {
          kid: undefined,
          jwk: keys.stranger.publicKey.export({ format: 'jwk' }),
        }),
    },
  ],
  [
    'A13 the key of another algorithm',
    { idToken: (claims, { sign, keys }) => sign(claims, keys.rsa.privateKey, { kid: 'k3' }) },
  ],
  ['A18 a critical header that nobody knows', { idToken: (claims, { keys }) => critical(claims, keys.rsa.privateKey) }],
  ['A40 no ID token', { tokenAnswer: (answer) => ({ ...answer, id_token: undefined }) }],
  ['A40 an ID token that is none', { idToken: () => 'nonsense' }],
  [
    'A40 an ID token in the wrong field',
    {
      tokenAnswer: ({ id_token, ...answer }: { id_token?: string }) => ({
        ...answer,
        access_token: id_token,
        idToken: id_token,
      }),
    },
  ],
  ['A40 the token type mac', { tokenAnswer: (answer) => ({ ...answer, token_type: 'mac' }) }],
  ['A19 userinfo for another subject', { userinfo: () => ({ sub: 'admin' }) }],
  ['A19 userinfo without a subject', { userinfo: () => ({ email: 'x@y.z' }) }],
  ['A19 userinfo with 500', { userinfoStatus: 500 }],
  ['A19 userinfo in HTML', { userinfoType: 'text/html' }],
  ['A19 userinfo that is a list', { userinfo: () => ['sub'] }],
]

const segment = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const unsigned = (header: object, claims: Claims): string => `${segment(header)}.${segment(claims)}.`
const hmac = (claims: Claims, key: string | Buffer): string => {
  const text = `${segment({ alg: 'HS256', typ: 'JWT' })}.${segment(claims)}`
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
}

/** Rightly signed, with a header that whoever does not know it must refuse (RFC 7515 §4.1.11). */
function critical(claims: Claims, key: KeyObject): string {
  const text = `${segment({ alg: 'RS256', kid: 'k1', crit: ['unheard-of'], 'unheard-of': true })}.${segment(claims)}`
  return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`
}

describe('a login is refused, and nobody is registered, for', () => {
  it.each(tokenFaults)('%s', async (_name, faults) => {
    const browser = newBrowser()
    const before = await eventCount()
    provider.faults = faults
    await refused(browser, await browser.logIn(), 403)
    expect(await eventCount()).toBe(before)
    // The same, without the fault.
    provider.faults = {}
    expect((await browser.logIn()).status).toBe(302)
  })

  it('A16 A18 unknown kids and keys elsewhere, without anybody being asked for keys each time', async () => {
    provider.faults = {
      idToken: (claims, { sign, keys }) =>
        sign(claims, keys.stranger.privateKey, {
          kid: 'k9',
          jku: `${provider.issuer}/evil-jwks`,
          x5u: `${provider.issuer}/evil-x5u`,
        }),
    }
    for (let attempt = 0; attempt < 20; attempt++) {
      const browser = newBrowser()
      await refused(browser, await browser.logIn(), 403)
    }
    expect(provider.journal.filter((line) => line === 'GET /jwks').length).toBeLessThanOrEqual(1)
    expect(provider.journal.filter((line) => line.includes('evil'))).toEqual([])
    provider.faults = {}
    expect((await newBrowser().logIn()).status).toBe(302)
  })

  it('A08 the nonce of an earlier login of the same browser', async () => {
    const browser = newBrowser()
    const earlier = await browser.get('/__login__')
    const nonce = new URL(String(earlier.headers['location'])).searchParams.get('nonce')
    const way = await browser.leave()
    provider.faults = { claims: (claims) => ({ ...claims, nonce }) }
    await refused(browser, await browser.come(way), 403)
  })

  it.each<[string, (response: ServerResponse, answer: object) => void]>([
    [
      'a page',
      (response, answer) => void response.writeHead(200, { 'content-type': 'text/html' }).end(JSON.stringify(answer)),
    ],
    ['a redirect', (response) => void response.writeHead(302, { location: `${provider.issuer}/elsewhere` }).end()],
    ['nothing', (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end()],
    ['a list', (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('[]')],
  ])('A40 a token endpoint that answers with %s', async (_name, tokenRaw) => {
    const browser = newBrowser()
    provider.faults = { tokenRaw }
    await refused(browser, await browser.logIn(), 502)
    expect(provider.journal).not.toContain('GET /elsewhere')
    provider.faults = {}
    expect((await browser.logIn()).status).toBe(302)
  })

  it('A19 userinfo of 5 MB, A40 a token endpoint that fails', async () => {
    const browser = newBrowser()
    provider.faults = { userinfo: () => ({ sub: ADA.sub, more: 'x'.repeat(5_000_000) }) }
    await refused(browser, await browser.logIn(), 502)
    provider.faults = { tokenStatus: 500 }
    await refused(browser, await browser.logIn(), 502)
    provider.faults = { tokenAnswer: () => ({ error: 'invalid_client' }), tokenStatus: 401 }
    await refused(browser, await browser.logIn(), 502)
  })

  it('A31 another issuer in the callback, or none where one is promised; the code goes nowhere', async () => {
    for (const change of [
      (query: URLSearchParams) => query.set('iss', 'https://evil.test'),
      (query: URLSearchParams) => query.delete('iss'),
    ]) {
      const browser = newBrowser()
      provider.faults = { callback: change }
      await refused(browser, await browser.logIn(), 400)
      expect(provider.journal).not.toContain('POST /token')
    }
  })

  it.each<[string, (query: URLSearchParams) => void]>([
    ['A28 no state', (query) => query.delete('state')],
    ['A28 another state', (query) => query.set('state', 'x'.repeat(43))],
    ['A30 code and error', (query) => query.set('error', 'access_denied')],
    ['A30 two codes', (query) => query.append('code', 'x')],
    ['A30 two states', (query) => query.append('state', 'x')],
    ['A30 neither code nor error', (query) => query.delete('code')],
    ['A30 a code of 100 kB', (query) => query.set('code', 'x'.repeat(10_000))],
  ])('%s', async (_name, callback) => {
    const browser = newBrowser()
    provider.faults = { callback }
    await refused(browser, await browser.logIn(), 400)
    expect(provider.journal).not.toContain('POST /token')
  })

  it('A28 a state that was used, also when it came to nothing', async () => {
    const browser = newBrowser()
    const back = await browser.leave()
    expect((await browser.come(back)).status).toBe(302)
    const replayed = await browser.get(back.pathname + back.search)
    expect(replayed.status).toBe(400)

    const other = newBrowser()
    provider.faults = { callback: (query) => (query.delete('code'), query.set('error', 'access_denied')) }
    const turnedBack = await other.leave()
    await refused(other, await other.come(turnedBack), 403)
    await refused(other, await other.come(turnedBack), 400)
  })

  it('A28 a state from another browser, which uses it up', async () => {
    const [victim, attacker] = [newBrowser(), newBrowser()]
    const back = await attacker.leave()
    await refused(victim, await victim.come(back), 400)
    await refused(attacker, await attacker.come(back), 400)
    expect(provider.journal).not.toContain('POST /token')
  })

  it('A28 a state that is over', async () => {
    const browser = newBrowser()
    const back = await browser.leave()
    await database.ownerPool().query(`update record.pending_login set expires_at = now() - interval '1 second'`)
    await refused(browser, await browser.come(back), 400)
  })

  it('A29 an error of the provider, whose text is not repeated', async () => {
    const browser = newBrowser()
    provider.faults = {
      callback: (query) => {
        query.delete('code')
        query.set('error', 'access_denied')
        query.set('error_description', '<script>alert(1)</script>')
      },
    }
    await refused(browser, await browser.logIn(), 403)
  })

  it('A34 nobody: S256 and a verifier of its own go with each way to the provider', async () => {
    const seen = { challenges: new Set<string>(), verifiers: new Set<string>() }
    for (let attempt = 0; attempt < 3; attempt++) {
      const browser = newBrowser()
      const { searchParams } = new URL(String((await browser.get('/__login__')).headers['location']))
      expect(searchParams.get('code_challenge_method')).toBe('S256')
      seen.challenges.add(searchParams.get('code_challenge')!)
      expect((await browser.logIn()).status).toBe(302)
      seen.verifiers.add(provider.verifiers.at(-1)!)
    }
    expect([seen.challenges.size, seen.verifiers.size]).toEqual([3, 3])
    for (const verifier of seen.verifiers) expect(verifier).toMatch(/^[\w.~-]{43,128}$/)
  })

  it('A34 a verifier that does not fit: each way to the provider has its own', async () => {
    const browser = newBrowser()
    const [first, second] = [await browser.leave(), await browser.leave()]
    const code = first.searchParams.get('code')!
    second.searchParams.set('code', code)
    await refused(browser, await browser.come(second), 502)
  })

  it('A39 somebody who is locked', async () => {
    provider.person = { ...ADA, sub: 'lars-1', preferred_username: 'lars' }
    const browser = newBrowser()
    await browser.logIn()
    const [lars] = await userOf('lars')
    const alice = keyOf('10000000-0000-4000-8000-000000000001', 'administrator')
    const path = `/__api__/v1/users/${lars!.guid}/lock`
    expect((await service.post(path, alice, { locked: true })).status).toBe(200)
    expect((await service.assert(browser.session!)).status).toBe(401)
    const again = newBrowser()
    await refused(again, await again.logIn(), 403)
  })

  it('ID-08 a username that is ours', async () => {
    provider.person = { ...ADA, sub: 'login-1', preferred_username: 'login' }
    const browser = newBrowser()
    await refused(browser, await browser.logIn(), 403)
  })
})

describe('a login is accepted with', () => {
  it.each<[string, FaultyProvider['faults']]>([
    ['A04 two audiences and our azp', { claims: claim({ aud: [CLIENT.id, 'another-client'], azp: CLIENT.id }) }],
    ['A07 an exp of 50 s ago, within the leeway', { claims: (claims) => ({ ...claims, exp: seconds() - 50 }) }],
    ['A09 RS256', { idToken: signed('rsa') }],
    ['A09 ES256', { idToken: signed('ec') }],
    ['A09 PS256', { idToken: signed('pss') }],
    [
      'A14 no kid and one key',
      { idToken: (claims, { sign, keys }) => sign(claims, keys.rsa.privateKey, { kid: undefined }) },
    ],
  ])('%s', async (_name, faults) => {
    provider.faults = faults
    expect((await newBrowser().logIn()).status).toBe(302)
  })
})

/** With a provider of its own, and the service that has just started. */
async function withFresh(
  faults: FaultyProvider['faults'],
  work: (fresh: FaultyProvider) => Promise<void>,
  more = '',
): Promise<void> {
  const fresh = await faultyProvider()
  const mine = [service, provider] as const
  try {
    provider = fresh
    provider.person = ADA
    provider.faults = faults
    service = await start(more)
    await work(fresh)
    await service.close()
  } finally {
    ;[service, provider] = mine
    await fresh.close()
  }
}

describe('a provider', () => {
  it('A17 may change its keys between discovery and login', async () => {
    await withFresh({}, async (fresh) => {
      const way = await newBrowser().get('/__login__')
      expect(way.status).toBe(302)
      fresh.faults = {
        jwks: (keys) => [
          { kty: 'RSA', kid: 'broken', n: '!', e: '!' },
          { ...keys[0]!, ...fresh.keys.stranger.publicKey.export({ format: 'jwk' }), kid: 'new' },
        ],
        idToken: (claims, { sign, keys }) => sign(claims, keys.stranger.privateKey, { kid: 'new' }),
      }
      expect((await newBrowser().logIn()).status).toBe(302)
    })
  })

  it('A15 is not believed without a kid when none of its keys verifies', async () => {
    const without = { jwks: (keys: object[]) => keys.map((key) => ({ ...key, kid: undefined, alg: undefined })) }
    await withFresh(
      { ...without, idToken: (claims, { sign, keys }) => sign(claims, keys.stranger.privateKey, { kid: undefined }) },
      async (fresh) => {
        const browser = newBrowser()
        await refused(browser, await browser.logIn(), 403)
        fresh.faults = {
          ...without,
          idToken: (claims, { sign, keys }) => sign(claims, keys.rsa.privateKey, { kid: undefined }),
        }
        expect((await browser.logIn()).status).toBe(302)
      },
    )
  })

  it('LOGIN-03 LOGIN-05 is asked for custom scopes beside the standard ones, and may want the secret in the form', async () => {
    await withFresh(
      {
        authentication: 'post',
        discovery: (document) => ({ ...document, token_endpoint_auth_methods_supported: ['client_secret_post'] }),
      },
      async () => {
        const way = new URL(String((await newBrowser().get('/__login__')).headers['location']))
        expect(way.searchParams.get('scope')).toBe('openid email profile groups offline_access')
        expect((await newBrowser().logIn()).status).toBe(302)
      },
      'CustomScope = groups\nCustomScope = offline_access',
    )
  })

  it('LOGIN-07 CFG-17 is Google without an issuer: the claims come from UserInfo, the page is told the domain', async () => {
    const google = await faultyProvider()
    const mine = [service, provider] as const
    try {
      provider = google
      google.person = { sub: 'g-1' }
      google.faults = {
        claims: (claims) => ({ ...claims, iss: String(claims.iss).replace('http://', '') }),
        userinfo: () => ({
          sub: 'g-1',
          email: 'grete@company.com',
          email_verified: true,
          hd: 'company.com',
          given_name: 'Grete',
          family_name: 'Hermann',
        }),
      }
      service = await identityUnderTest(
        database,
        `ClientId = ${CLIENT.id}\nClientSecret = "${CLIENT.secret}"\nAllowedDomain = company.com`,
        { vendors: { googleIssuer: google.issuer } },
      )
      const way = new URL(String((await newBrowser().get('/__login__')).headers['location']))
      expect(way.origin + way.pathname).toBe(`${google.issuer}/authorize`)
      expect(way.searchParams.get('hd')).toBe('company.com')
      expect(way.searchParams.get('scope')).toContain('https://www.googleapis.com/auth/directory.readonly')
      expect((await newBrowser().logIn()).status).toBe(302)
      const [user] = await userOf('grete')
      const { rows } = await pool.query('select first_name, last_name, email from profile where user_guid = $1', [
        user!.guid,
      ])
      expect(rows).toEqual([{ first_name: 'Grete', last_name: 'Hermann', email: 'grete@company.com' }])
      await service.close()
    } finally {
      ;[service, provider] = mine
      await google.close()
    }
  })

  it('A15 A17 may have several keys, some of which nobody understands', async () => {
    const fresh = await faultyProvider()
    const mine = [service, provider] as const
    try {
      provider = fresh
      provider.person = ADA
      provider.faults = {
        jwks: (keys) => [
          { kty: 'strange' },
          { ...fresh.keys.stranger.publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' },
          ...keys.map((key) => ({ ...key, kid: undefined })),
        ],
        idToken: (claims, { sign, keys }) => sign(claims, keys.rsa.privateKey, { kid: undefined }),
      }
      service = await start()
      expect((await newBrowser().logIn()).status).toBe(302)
      await service.close()
    } finally {
      ;[service, provider] = mine
      await fresh.close()
    }
  })

  it.each<[string, FaultyProvider['faults'], number]>([
    [
      'A27 names another issuer than the settings',
      { discovery: (document) => ({ ...document, issuer: 'https://evil.test' }) },
      503,
    ],
    [
      'offers no signature but shared ones',
      { discovery: (document) => ({ ...document, id_token_signing_alg_values_supported: ['HS256', 'none'] }) },
      403,
    ],
    [
      'A13 publishes its key for another algorithm',
      { jwks: (keys) => keys.map((key) => ({ ...key, alg: 'RS512' })) },
      403,
    ],
    ['A13 publishes its key for encryption only', { jwks: (keys) => keys.map((key) => ({ ...key, use: 'enc' })) }, 403],
  ])('is not believed when it %s', async (_name, faults, status) => {
    const fresh = await faultyProvider()
    const mine = [service, provider] as const
    try {
      provider = fresh
      provider.person = ADA
      provider.faults = faults
      service = await start()
      const browser = newBrowser()
      const answer = await browser.get('/__login__')
      if (answer.status === 302) {
        await refused(browser, await browser.come(provider.authorize(String(answer.headers['location']))), status)
      } else {
        await refused(browser, answer, status)
      }
      await service.close()
    } finally {
      ;[service, provider] = mine
      await fresh.close()
    }
  })

  it('LOGIN-12 that is down is named as the reason, in the log with its issuer, and asked again at the next login', async () => {
    const gone = await faultyProvider()
    const mine = [service, provider] as const
    const error = jest.spyOn(Logger.prototype, 'error')
    try {
      provider = gone
      service = await start()
      await gone.close()
      const browser = newBrowser()
      const answer = await browser.get('/__login__')
      await refused(browser, answer, 503)
      expect(answer.text).toContain('OAuth2.OpenIDConnectIssuer')
      expect(answer.headers['set-cookie']).not.toContain('keybearer_session')
      expect(error).toHaveBeenCalledWith(expect.objectContaining({ issuer: gone.issuer }), 'login refused')
      await service.close()
    } finally {
      error.mockRestore()
      ;[service, provider] = mine
    }
  })
})
