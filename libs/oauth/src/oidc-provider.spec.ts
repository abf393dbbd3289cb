import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Secret, type ClientRegistration } from '#libs/contracts'
import { Provider as OidcProvider } from 'oidc-provider'
import { CookieJar } from 'tough-cookie'
import { acceptCode, authorizationRequest, readCallback } from './authorization-code.js'
import { Discovery, type ProviderMetadata } from './discovery.js'
import { TokenEndpointError } from './errors.js'
import { Outbound } from './outbound.js'
import { redeemCode, refreshTokens, requestClientCredentials, revokeToken, type Provider } from './token-endpoint.js'

const redirectUri = 'https://us.test/__oauth__/integrations/callback'
const secret = 'a:secret+of%20weird & "strange" characters='

const methods = ['client_secret_basic', 'client_secret_post', 'none'] as const
type Method = (typeof methods)[number]

const registration = (method: Method): ClientRegistration => ({
  client_id: `the-${method}-client`,
  token_endpoint_auth_method: method,
  scope: 'openid offline_access',
  client_secret_reference: null,
})

let server: Server
let issuer: string
let metadata: ProviderMetadata
const outbound = new Outbound({ loopback: true, deadlineMs: 5000 })

beforeAll(async () => {
  // The provider's advice on running it in production.
  console.info = console.warn = () => undefined
  server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider = new OidcProvider(issuer, {
    clients: methods.map((method) => ({
      client_id: registration(method).client_id,
      ...(method !== 'none' && { client_secret: secret }),
      token_endpoint_auth_method: method,
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token', ...(method === 'none' ? [] : ['client_credentials'])],
      scope: 'openid offline_access',
    })),
    cookies: { keys: ['only for this spec'] },
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true },
      clientCredentials: { enabled: true },
    },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    findAccount: (_context, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({
        accountId: oidc.session?.accountId ?? '',
        clientId: oidc.client?.clientId ?? '',
      })
      grant.addOIDCScope('openid offline_access')
      await grant.save()
      return grant
    },
  })
  server.on('request', (request, response) => {
    if (!request.url?.startsWith('/interaction/')) return void provider.callback()(request, response)
    provider.interactionFinished(request, response, { login: { accountId: 'alice' } }).catch((error: unknown) => {
      response.writeHead(500).end(String(error))
    })
  })
  metadata = await new Discovery(outbound).find(issuer)
})
afterAll(async () => {
  await outbound.close()
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
})

const providerFor = (method: Method): Provider => ({
  authorizationServer: {
    ...metadata,
    code_challenge_methods_supported: ['S256'],
    revocation_endpoint: `${issuer}/token/revocation`,
  },
  client: registration(method),
  clientSecret: method === 'none' ? undefined : new Secret(secret),
  quirks: ['single_use_refresh_token'],
})

/** Follows the redirects of a browser until it would leave the provider. */
async function browse(url: string): Promise<URL> {
  const jar = new CookieJar()
  let next = new URL(url)
  for (let hops = 0; next.origin === issuer; hops++) {
    if (hops > 9) throw new Error('no end of redirects')
    const headers = { cookie: await jar.getCookieString(next.href) }
    const response = await fetch(next, { redirect: 'manual', headers })
    for (const cookie of response.headers.getSetCookie()) await jar.setCookie(cookie, next.href)
    const location = response.headers.get('location')
    if (location === null) throw new Error(`${response.status} ${await response.text()}`)
    next = new URL(location, next)
  }
  return next
}

async function consent(method: Method) {
  const provider = providerFor(method)
  const request = await authorizationRequest(provider.authorizationServer, provider.client, redirectUri)
  const back = await browse(request.url)
  expect(back.origin + back.pathname).toBe(redirectUri)
  const code = acceptCode(readCallback(back.searchParams), { state: request.state, authorizationServer: metadata })
  const grant = { code, codeVerifier: request.codeVerifier, redirectUri }
  return { provider, grant, redeem: () => redeemCode(outbound, provider, grant) }
}

const refusal = (attempt: Promise<unknown>) =>
  attempt.then(
    () => 'no refusal',
    (error: unknown) => (error instanceof TokenEndpointError ? `${error.fate}: ${error.error}` : error),
  )

describe('with a real authorization server', () => {
  it('finds its endpoints, and its promise of RFC 9207', () => {
    expect(metadata.authorization_response_iss_parameter_supported).toBe(true)
    expect(metadata.code_challenge_methods_supported).toEqual(['S256'])
  })

  it.each(methods)('B12 gets and refreshes tokens by %s, with the scope that was granted', async (method) => {
    const { provider, redeem } = await consent(method)
    const first = await redeem()
    expect(first).toMatchObject({ tokenType: 'Bearer', scope: 'openid', expiresIn: 3600 })
    expect(first.idToken?.reveal().split('.')).toHaveLength(3)

    const second = await refreshTokens(outbound, provider, first.refreshToken as Secret)
    expect(second.accessToken.reveal()).not.toBe(first.accessToken.reveal())
    expect(second.refreshToken?.reveal()).not.toBe(first.refreshToken?.reveal())
  })

  it('learns that a rotated refresh token was used twice, which ends the grant', async () => {
    const { provider, redeem } = await consent('client_secret_basic')
    const first = await redeem()
    const second = await refreshTokens(outbound, provider, first.refreshToken as Secret)
    expect(await refusal(refreshTokens(outbound, provider, first.refreshToken as Secret))).toBe(
      'consent_required: invalid_grant',
    )
    expect(await refusal(refreshTokens(outbound, provider, second.refreshToken as Secret))).toBe(
      'consent_required: invalid_grant',
    )
  })

  it('revokes', async () => {
    const { provider, redeem } = await consent('client_secret_post')
    const { refreshToken } = await redeem()
    expect(await revokeToken(outbound, provider, refreshToken as Secret, 'refresh_token')).toBe(true)
    expect(await refusal(refreshTokens(outbound, provider, refreshToken as Secret))).toBe(
      'consent_required: invalid_grant',
    )
    // RFC 7009 §2.2: a token that is no longer valid is revoked already.
    expect(await revokeToken(outbound, provider, refreshToken as Secret, 'refresh_token')).toBe(true)
  })

  it('cannot redeem a code without its verifier, or twice', async () => {
    const { provider, grant } = await consent('none')
    const codeVerifier = new Secret('x'.repeat(43))
    expect(await refusal(redeemCode(outbound, provider, { ...grant, codeVerifier }))).toBe(
      'consent_required: invalid_grant',
    )
    const other = await consent('none')
    await other.redeem()
    expect(await refusal(other.redeem())).toBe('consent_required: invalid_grant')
  })

  it.each(['client_secret_basic', 'client_secret_post'] as const)(
    'learns by %s that the client secret is wrong, whatever the grant',
    async (method) => {
      const { redeem, provider } = await consent(method)
      const { refreshToken } = await redeem()
      const wrong = { ...provider, clientSecret: new Secret('canary') }
      expect(await refusal(refreshTokens(outbound, wrong, refreshToken as Secret))).toBe(
        'misconfigured: invalid_client',
      )
      expect((await refreshTokens(outbound, provider, refreshToken as Secret)).tokenType).toBe('Bearer')
    },
  )

  it('gets a token of our own', async () => {
    const { client, ...rest } = providerFor('client_secret_basic')
    const tokens = await requestClientCredentials(outbound, { ...rest, client: { ...client, scope: '' } })
    expect(tokens.accessToken.reveal()).not.toBe('')
    expect(tokens.refreshToken).toBeUndefined()
  })
})
