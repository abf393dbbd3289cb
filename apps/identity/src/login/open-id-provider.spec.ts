import { Secret } from '#libs/contracts'
import { Discovery, Outbound, type ProviderMetadata } from '#libs/oauth'
import { OAuth2Settings } from '#libs/service'
import {
  CLIENT,
  faultyProvider,
  LOGOUT_EVENT,
  type Claims,
  type FaultyProvider,
} from './faulty-provider.conformance.js'
import { OpenIdProvider } from './open-id-provider.js'

let faulty: FaultyProvider
let metadata: ProviderMetadata
const outbound = new Outbound({ loopback: true })
const REDIRECT_URI = 'http://localhost:3939/__login__/callback'

beforeAll(async () => {
  faulty = await faultyProvider()
  metadata = await new Discovery(outbound).find(faulty.issuer)
})
afterAll(async () => {
  await outbound.close()
  await faulty.close()
})
beforeEach(() => {
  faulty.faults = {}
  faulty.journal.length = 0
})

/** @param more of the settings; without an issuer it is Google */
const providerOf = (more: Partial<OAuth2Settings> = {}, now?: () => Date): OpenIdProvider =>
  new OpenIdProvider(
    Object.assign(new OAuth2Settings(), {
      clientId: CLIENT.id,
      clientSecret: new Secret(CLIENT.secret),
      openIDConnectIssuer: faulty.issuer,
      ...more,
    }),
    new Discovery(outbound),
    outbound,
    { redirectUri: REDIRECT_URI, googleIssuer: faulty.issuer, ...(now && { now }) },
  )

const NOW = 1_795_000_000
const proper = (changes: Claims = {}): Claims => ({
  iss: faulty.issuer,
  aud: CLIENT.id,
  sub: 'ada',
  nonce: 'n',
  iat: NOW,
  exp: NOW + 300,
  ...changes,
})

describe('an ID token', () => {
  const verify = async (claims: Claims) =>
    providerOf({}, () => new Date(NOW * 1000)).verify(new Secret(await faulty.sign(claims)), 'n', metadata)

  it.each<[string, Claims]>([
    ['an exp of 59 s ago', { exp: NOW - 59 }],
    ['an nbf in 59 s', { nbf: NOW + 59 }],
    ['an iat in 59 s', { iat: NOW + 59 }],
    ['an iat of ten minutes ago', { iat: NOW - 600 }],
  ])('A07 is accepted with %s, within the leeway of a minute', async (_name, changes) => {
    expect(await verify(proper(changes))).toMatchObject({ sub: 'ada' })
  })

  it.each<[string, Claims]>([
    ['an exp of 61 s ago', { exp: NOW - 61 }],
    ['an nbf in 61 s', { nbf: NOW + 61 }],
    ['an iat in 61 s', { iat: NOW + 61 }],
    ['an iat of 661 s ago', { iat: NOW - 661 }],
  ])('A06 A07 is refused with %s', async (_name, changes) => {
    await expect(verify(proper(changes))).rejects.toThrow(/login refused: ERR_J[WS]/)
  })

  it.each([
    'http://openid.example.com/tenant',
    'https://openid.example.com/tenant/',
    'https://OPENID.example.com/tenant',
    'https://openid.example.com',
    'https://openid.example.com/Tenant',
    'openid.example.com/tenant',
    'https://evil.test/tenant',
  ])('A01 is refused from %s, which is not exactly the issuer', async (iss) => {
    const issuer = 'https://openid.example.com/tenant'
    const verify = async (claimed: string) =>
      providerOf({}, () => new Date(NOW * 1000)).verify(new Secret(await faulty.sign(proper({ iss: claimed }))), 'n', {
        ...metadata,
        issuer,
      })
    await expect(verify(iss)).rejects.toThrow('iss')
    expect(await verify(issuer)).toMatchObject({ sub: 'ada' })
  })

  it('says in the log what was wrong, without quoting it', async () => {
    await expect(verify(proper({ aud: 'sesame' }))).rejects.toThrow(
      /^login refused: ERR_JWT_CLAIM_VALIDATION_FAILED aud$/,
    )
  })
})

describe('the provider’s keys', () => {
  const systemClock = Date.now
  afterEach(() => {
    Date.now = systemClock
  })

  it('A16 A17 are asked for again when a token names a new one, but not for each that does', async () => {
    // jose reads no other clock when it spaces its questions.
    let now = systemClock()
    Date.now = () => now
    const provider = providerOf({}, () => new Date(now))
    const claims = () => {
      const seconds = Math.floor(Date.now() / 1000)
      return proper({ iat: seconds, exp: seconds + 300 })
    }
    const verify = async (kid: string, key = faulty.keys.rsa.privateKey) =>
      provider.verify(new Secret(await faulty.sign(claims(), key, { kid })), 'n', metadata)
    const asked = (): number => faulty.journal.filter((line) => line === 'GET /jwks').length

    await verify('k1')
    expect(asked()).toBe(1)
    // The provider signs with another key from now on.
    faulty.faults.jwks = (keys) => [
      { ...keys[0]!, ...faulty.keys.stranger.publicKey.export({ format: 'jwk' }), kid: 'new' },
    ]
    now += 31_000
    await verify('new', faulty.keys.stranger.privateKey)
    expect(asked()).toBe(2)
    await expect(verify('k1')).rejects.toThrow('ERR_JWKS_NO_MATCHING_KEY')
    for (let attempt = 0; attempt < 100; attempt++) {
      await expect(verify(`unknown-${attempt}`)).rejects.toThrow('ERR_JWKS_NO_MATCHING_KEY')
    }
    expect(asked()).toBe(2)
    now += 31_000
    for (let attempt = 0; attempt < 100; attempt++) {
      await expect(verify(`unknown-${attempt}`)).rejects.toThrow('ERR_JWKS_NO_MATCHING_KEY')
    }
    expect(asked()).toBe(3)
    await verify('new', faulty.keys.stranger.privateKey)
  })
})

describe('Google', () => {
  const google = (more: Partial<OAuth2Settings> = {}) =>
    providerOf({ openIDConnectIssuer: undefined, ...more }, () => new Date(NOW * 1000))

  it('LOGIN-06 is asked for the scope of its directory, and nobody else is', () => {
    const scope = 'https://www.googleapis.com/auth/directory.readonly'
    expect(google().scopes).toEqual(['email', 'profile', scope])
    expect(google({ customScope: ['a', scope] }).scopes).toEqual(['email', 'profile', scope, 'a'])
    expect(providerOf().scopes).toEqual(['email', 'profile'])
  })

  it('is told the domain when there is exactly one', () => {
    expect(google({ allowedDomain: ['company.com'] }).hints).toEqual({ hd: 'company.com' })
    expect(google({ allowedDomain: ['company.com', 'other.com'] }).hints).toEqual({})
    expect(google({ allowedDomain: ['company.com'], allowedEmail: ['guest@other.com'] }).hints).toEqual({})
    expect(google().hints).toEqual({})
    expect(providerOf({ allowedDomain: ['company.com'] }).hints).toEqual({})
  })

  it('A01 may leave the scheme out of its issuer, and nobody else may', async () => {
    const token = new Secret(await faulty.sign(proper({ iss: faulty.issuer.replace('http://', '') })))
    expect(await google().verify(token, 'n', metadata)).toMatchObject({ sub: 'ada' })
    await expect(providerOf({}, () => new Date(NOW * 1000)).verify(token, 'n', metadata)).rejects.toThrow('iss')
    const other = new Secret(await faulty.sign(proper({ iss: 'accounts.evil.test' })))
    await expect(google().verify(other, 'n', metadata)).rejects.toThrow('iss')
  })

  it('CFG-17 is the provider when no issuer is set', async () => {
    expect((await google().metadata()).authorization_endpoint).toBe(`${faulty.issuer}/authorize`)
  })
})

describe('the client', () => {
  const redeem = async (supported: string[] | undefined) => {
    const code = faulty.authorize(
      `${faulty.issuer}/authorize?${new URLSearchParams({
        redirect_uri: REDIRECT_URI,
        nonce: 'n',
        code_challenge_method: 'S256',
        // Of the verifier below, RFC 7636 appendix B.
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      }).toString()}`,
    )
    const attempt = { state: 's', nonce: 'n', codeVerifier: new Secret('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk') }
    return providerOf().logIn(new Secret(code.searchParams.get('code')!), attempt, {
      ...metadata,
      ...(supported && { token_endpoint_auth_methods_supported: supported }),
    })
  }

  it.each<['basic' | 'post', string[] | undefined]>([
    ['basic', undefined],
    ['basic', ['client_secret_post', 'client_secret_basic']],
    ['post', ['client_secret_post', 'private_key_jwt']],
  ])('LOGIN-03 proves itself by %s where the provider offers %j', async (authentication, supported) => {
    faulty.faults = { authentication }
    expect(await redeem(supported)).toMatchObject({ issuer: faulty.issuer, claims: { sub: 'ada' }, expiresIn: 60 })
    faulty.faults = { authentication: authentication === 'basic' ? 'post' : 'basic' }
    await expect(redeem(supported)).rejects.toThrow('token endpoint')
  })

  it('says so when the provider takes no secret', async () => {
    await expect(redeem(['private_key_jwt'])).rejects.toMatchObject({ code: 'login.client_authentication' })
  })
})

it.each([
  'https://login.microsoftonline.com/{tenant-id}/v2.0',
  'https://login.microsoftonline.com/common/v2.0',
  'https://login.microsoftonline.com/organizations/v2.0',
])('CFG-16 an issuer without a tenant is said to be one: %s', async (openIDConnectIssuer) => {
  await expect(providerOf({ openIDConnectIssuer }).metadata()).rejects.toMatchObject({
    code: 'login.issuer_without_tenant',
    message: expect.stringContaining('OAuth2.OpenIDConnectIssuer') as string,
  })
})

describe('A37 a logout token', () => {
  const token = (changes: Claims = {}): Claims => {
    const { nonce: _, ...claims } = proper()
    return { ...claims, jti: 'j', sid: 'provider-session', events: { [LOGOUT_EVENT]: {} }, ...changes }
  }
  const verify = async (claims: Claims, header: object = { typ: 'logout+jwt' }) =>
    providerOf({}, () => new Date(NOW * 1000)).verifyLogout(
      new Secret(await faulty.sign(claims, undefined, header)),
      metadata,
    )

  it.each<[string, object]>([
    ['a type of its own', { typ: 'logout+jwt' }],
    ['the type of any', { typ: 'JWT' }],
    ['no type', {}],
  ])('is accepted with %s', async (_name, header) => {
    expect(await verify(token(), header)).toEqual({
      issuer: faulty.issuer,
      jti: 'j',
      subject: 'ada',
      sid: 'provider-session',
      refusedFrom: new Date((NOW + 660) * 1000),
    })
  })

  it('is accepted with a subject alone', async () => {
    expect(await verify(token({ sid: undefined }))).toMatchObject({ subject: 'ada' })
  })

  it.each<[string, Claims]>([
    ['another issuer', { iss: 'https://evil.test' }],
    ['another audience', { aud: 'another-client' }],
    ['no audience', { aud: undefined }],
    ['no iat', { iat: undefined }],
    ['an iat of an hour ago', { iat: NOW - 3600 }],
    ['an iat of tomorrow', { iat: NOW + 86_400 }],
    ['no exp', { exp: undefined }],
    ['an exp of 61 s ago', { exp: NOW - 61 }],
    ['no jti', { jti: undefined }],
    ['an empty jti', { jti: '' }],
    ['a nonce', { nonce: 'n' }],
    ['no events', { events: undefined }],
    ['another event', { events: { 'http://schemas.openid.net/event/other': {} } }],
    ['an event that is no object', { events: { [LOGOUT_EVENT]: true } }],
    ['events that are a list', { events: [LOGOUT_EVENT] }],
    ['neither sub nor sid', { sub: undefined, sid: undefined }],
    ['a sid that is a number', { sid: 7 }],
    ['a subject with NUL', { sub: 'ada\0' }],
  ])('is refused with %s', async (_name, changes) => {
    await expect(verify(token(changes))).rejects.toThrow('login refused')
  })

  it('is refused when it is an ID token, or of another type', async () => {
    await expect(verify(proper())).rejects.toThrow('login refused')
    await expect(verify(token(), { typ: 'at+jwt' })).rejects.toThrow('typ')
  })
})
