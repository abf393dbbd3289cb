import { Secret } from '#libs/contracts'
import {
  authorizationRequest,
  Outbound,
  redeemCode,
  refreshTokens,
  requestClientCredentials,
  revokeToken,
  TokenEndpointError,
  type Provider,
  type TokenResponse,
} from '#libs/oauth'
import { CLIENT_ID, CLIENT_SECRET, vendors, VendorServer, type Vendor } from '#libs/testing'
import { azure } from './azure.js'
import { custom } from './custom.js'
import { databricks } from './databricks.js'
import { github } from './github.js'
import { google } from './google.js'
import { salesforce } from './salesforce.js'
import { snowflake } from './snowflake.js'
import type { Template } from './template.js'

const REDIRECT_URI = 'https://kb.example/__oauth__/integrations/callback'
const outbound = new Outbound({ loopback: true, deadlineMs: 5_000 })
const servers: VendorServer[] = []
afterAll(async () => {
  await outbound.close()
  await Promise.all(servers.map((server) => server.stop()))
})

async function at(vendor: Vendor): Promise<VendorServer> {
  const server = await new VendorServer(vendor).start()
  servers.push(server)
  return server
}

function providerOf(template: Template, form: Record<string, string>): Provider {
  const { config, clientSecret } = template.parse(
    { client_id: CLIENT_ID, client_secret: CLIENT_SECRET, ...form },
    { loopback: true },
  )
  const { authorizationServer, client, quirks } = template.resolve(config)
  return {
    authorizationServer: authorizationServer!,
    client: { ...client!, client_secret_reference: null },
    clientSecret,
    quirks,
  }
}

/** The viewer's way: an authorization request, a code for it, and what comes for the code. */
async function obtain(server: VendorServer, provider: Provider): Promise<TokenResponse> {
  const { url, codeVerifier } = await authorizationRequest(provider.authorizationServer, provider.client, REDIRECT_URI)
  const code = new Secret(server.consent(url))
  return await redeemCode(outbound, provider, { code, codeVerifier, redirectUri: REDIRECT_URI })
}

const refused = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    await work
  } catch (error) {
    if (error instanceof TokenEndpointError) return { fate: error.fate, error: error.error, inDoubt: error.inDoubt }
    throw error
  }
  throw new Error('it was not refused')
}
const dead = { fate: 'consent_required', error: 'invalid_grant', inDoubt: false }
const misconfigured = { fate: 'misconfigured', error: 'invalid_client', inDoubt: false }
const plain = (tokens: TokenResponse) => ({
  access: tokens.accessToken.reveal(),
  refresh: tokens.refreshToken?.reveal(),
  expiresIn: tokens.expiresIn,
  scope: tokens.scope,
})

const CASES: [string, Template, Vendor, (host: string) => Record<string, string>, object, string | undefined][] = [
  [
    ...(['INT-08 Azure', azure, vendors.entra] as const),
    (host: string) => ({ authority_host: host, tenant_id: 'contoso.example' }),
    { access: 'access-1', refresh: 'refresh-2', expiresIn: 3599, scope: 'all' },
    'refresh-4',
  ],
  [
    ...(['INT-10 Databricks', databricks, vendors.databricks] as const),
    (host: string) => ({ workspace_host: host }),
    { access: 'access-1', refresh: 'refresh-2', expiresIn: 3600 },
    'refresh-4',
  ],
  [
    ...(['INT-11 GitHub', github, vendors.github] as const),
    (host: string) => ({ github_host: host }),
    { access: 'access-1', refresh: 'refresh-2', expiresIn: 28800, scope: 'repo read:org' },
    'refresh-4',
  ],
  [
    ...(['INT-13 Salesforce', salesforce, vendors.salesforce] as const),
    (host: string) => ({ sf_host_domain: host }),
    { access: 'access-1', refresh: 'refresh-2', expiresIn: undefined, scope: 'api refresh_token' },
    undefined,
  ],
  [
    ...(['INT-14 Snowflake', snowflake, vendors.snowflake] as const),
    (host: string) => ({ account_url: host }),
    { access: 'access-1', refresh: 'refresh-2', expiresIn: 600, scope: 'refresh_token session:role:ANALYST' },
    undefined,
  ],
]

describe.each(CASES)('%s, as strict as it is', (_name, template, vendor, form, obtained, refreshed) => {
  let server: VendorServer
  let provider: Provider
  beforeEach(async () => {
    server = await at(vendor)
    provider = providerOf(template, form(server.host))
  })

  it('INT-05 gives tokens to a viewer who consents, and understands what is said of them', async () => {
    expect(plain(await obtain(server, provider))).toEqual({ scope: undefined, ...obtained })
  })

  it('renews them, and says whether the refresh token is a new one', async () => {
    const { refreshToken } = await obtain(server, provider)
    const again = await refreshTokens(outbound, provider, refreshToken!)
    expect(again.accessToken.reveal()).toBe('access-3')
    expect(again.refreshToken?.reveal()).toBe(refreshed)
  })

  it('a refresh token that is dead wants the viewer, a wrong secret the administrator', async () => {
    expect(await refused(refreshTokens(outbound, provider, new Secret('refresh-99')))).toEqual(dead)
    const wrong = { ...provider, clientSecret: new Secret('wrong') }
    const { refreshToken } = await obtain(server, provider)
    expect(await refused(refreshTokens(outbound, wrong, refreshToken!))).toEqual(misconfigured)
  })

  it('takes no code without the verifier that belongs to it', async () => {
    server.desk.code = { value: 'the code', challenge: 'of another request' }
    const grant = { code: new Secret('the code'), codeVerifier: new Secret('mine'), redirectUri: REDIRECT_URI }
    expect(await refused(redeemCode(outbound, provider, grant))).toEqual(dead)
  })
})

describe('what is particular to one', () => {
  it('INT-06 INT-08 Azure gives a service account its own token', async () => {
    const { host } = await at(vendors.entra)
    const form = { auth_type: 'Service Account', authority_host: host, tenant_id: 'contoso.example' }
    expect(plain(await requestClientCredentials(outbound, providerOf(azure, form)))).toMatchObject({
      access: 'access-1',
    })
    const wrong = providerOf(azure, { ...form, scopes: 'https://graph.microsoft.com/User.Read' })
    expect(await refused(requestClientCredentials(outbound, wrong))).toMatchObject({ error: 'invalid_scope' })
  })

  it('INT-27 Azure refuses a secret from a Public application, and gets none', async () => {
    const server = await at(vendors.entra)
    const form = { auth_mode: 'Public', client_id: 'public', client_secret: '' }
    const provider = providerOf(azure, { ...form, authority_host: server.host, tenant_id: 'contoso.example' })
    expect(plain(await obtain(server, provider))).toMatchObject({ access: 'access-1' })
  })

  it('SVC-07 INT-06 INT-10 Databricks gives a service principal its own token, for its client ID and secret', async () => {
    const { host } = await at(vendors.databricks)
    const provider = providerOf(databricks, { auth_type: 'Service Account', workspace_host: host })
    expect(plain(await requestClientCredentials(outbound, provider))).toMatchObject({
      access: 'access-1',
      scope: 'all-apis',
    })
    const wrong = { ...provider, clientSecret: new Secret('wrong') }
    expect(await refused(requestClientCredentials(outbound, wrong))).toEqual(misconfigured)
  })

  it('Databricks and GitHub take a refresh token once', async () => {
    for (const [template, vendor, field] of [
      [databricks, vendors.databricks, 'workspace_host'],
      [github, vendors.github, 'github_host'],
    ] as const) {
      const server = await at(vendor)
      const provider = providerOf(template, { [field]: server.host })
      const { refreshToken } = await obtain(server, provider)
      await refreshTokens(outbound, provider, refreshToken!)
      expect(await refused(refreshTokens(outbound, provider, refreshToken!))).toEqual(dead)
    }
  })

  it('GitHub’s and Salesforce’s tokens are revoked, each in its way', async () => {
    const hub = await at(vendors.github)
    const onHub = providerOf(github, { github_host: hub.host })
    const { accessToken } = await obtain(hub, onHub)
    expect(await revokeToken(outbound, onHub, accessToken, 'access_token')).toBe(true)
    expect(hub.desk.good).toEqual(new Set(['refresh-2']))

    const force = await at(vendors.salesforce)
    const onForce = providerOf(salesforce, { sf_host_domain: force.host })
    const { refreshToken } = await obtain(force, onForce)
    expect(await revokeToken(outbound, onForce, refreshToken!, 'refresh_token')).toBe(true)
    expect(force.desk.good).toEqual(new Set(['access-1']))
  })

  it('INT-12 Google gives a refresh token because the viewer is asked each time, and keeps it', async () => {
    const server = await at(vendors.google)
    const real = providerOf(google, {})
    const { authorization_endpoint } = real.authorizationServer
    const provider = {
      ...real,
      authorizationServer: { ...real.authorizationServer, token_endpoint: `${server.url}/token` },
    }
    await obtain(server, provider)
    const second = await obtain(server, provider)
    expect(plain(second)).toMatchObject({ expiresIn: 3599, refresh: 'refresh-4' })
    expect(plain(await refreshTokens(outbound, provider, second.refreshToken!)).refresh).toBeUndefined()
    // Were nobody asked, only the first would have one.
    const silent = new URL(authorization_endpoint!)
    silent.searchParams.delete('prompt')
    const unasked = { ...provider.authorizationServer, authorization_endpoint: silent.href }
    expect(plain(await obtain(server, { ...provider, authorizationServer: unasked })).refresh).toBeUndefined()
  })

  it('a GitHub OAuth App gives one token and nothing to refresh it with', async () => {
    const server = await at(vendors.githubOAuthApp)
    expect(plain(await obtain(server, providerOf(github, { github_host: server.host })))).toEqual({
      access: 'access-1',
      refresh: undefined,
      expiresIn: undefined,
      scope: 'repo read:org',
    })
  })

  it('Salesforce with rotation gives another refresh token each time', async () => {
    const server = await at(vendors.salesforceRotating)
    const provider = providerOf(salesforce, { sf_host_domain: server.host })
    const { refreshToken } = await obtain(server, provider)
    expect(plain(await refreshTokens(outbound, provider, refreshToken!)).refresh).toBe('refresh-4')
    expect(await refused(refreshTokens(outbound, provider, refreshToken!))).toEqual(dead)
  })

  it.each(['client_secret_post', 'client_secret_basic'])(
    'Custom authenticates as it is told to: %s',
    async (token_endpoint_auth_method) => {
      const authentication = token_endpoint_auth_method as 'client_secret_post' | 'client_secret_basic'
      const server = await at(vendors.custom({ authentication, pkce: false, reuse: 'ends_grant' }))
      const endpoints = { authorization_uri: `${server.url}/authorize`, token_uri: `${server.url}/token` }
      const provider = providerOf(custom, { ...endpoints, scopes: 'all', token_endpoint_auth_method })
      const { refreshToken } = await obtain(server, provider)
      const { refreshToken: next } = await refreshTokens(outbound, provider, refreshToken!)
      expect(await refused(refreshTokens(outbound, provider, refreshToken!))).toEqual(dead)
      // The second use has ended what the first one gave.
      expect(await refused(refreshTokens(outbound, provider, next!))).toEqual(dead)
      expect(server.journal.map(({ grantType, status }) => [grantType, status])).toEqual([
        ['authorization_code', 200],
        ['refresh_token', 200],
        ['refresh_token', 400],
        ['refresh_token', 400],
      ])
    },
  )
})
