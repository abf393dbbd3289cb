import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as client from 'openid-client'
import { until } from './api.js'
import { Browser, locationOf } from './browser.js'
import { type Faults, type Journal, startVendor, VENDOR_CLIENT, VENDOR_PUBLIC_CLIENT } from './vendor.js'

const REDIRECT_URI = 'http://localhost:3939/__oauth__/integrations/callback'
const CLIENT_SECRET = 'hush: a+b %'
const toKeybearer = (url: URL): boolean => url.href.startsWith(REDIRECT_URI)

describe('the demo’s vendor', () => {
  const folder = mkdtempSync(join(tmpdir(), 'demo-vendor-'))
  const browsers: Browser[] = []
  const secrets: [string, string][] = []
  let vendor: Awaited<ReturnType<typeof startVendor>>

  const witness = (kind: string, value: string): void => void secrets.push([kind, value])
  const start = async (port: number): Promise<void> => {
    const options = { folder, clientSecret: CLIENT_SECRET, redirectUris: [REDIRECT_URI], accessTokenSeconds: 60 }
    vendor = await startVendor({ ...options, port, marker: 'CANARY', silent: true, witness })
    await until('the vendor answers', 5, () =>
      fetch(`${vendor.url}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      ),
    )
  }
  const as = (clientId: string, authentication: client.ClientAuth): client.Configuration => {
    const { url } = vendor
    const server = { issuer: url, authorization_endpoint: `${url}/authorize`, token_endpoint: `${url}/token` }
    const configuration = new client.Configuration(
      { ...server, revocation_endpoint: `${url}/revoke` },
      clientId,
      undefined,
      authentication,
    )
    client.allowInsecureRequests(configuration)
    return configuration
  }
  const confidential = () => as(VENDOR_CLIENT, client.ClientSecretBasic(CLIENT_SECRET))

  async function authorize(configuration: client.Configuration, account: string, decision = 'allow') {
    const browser = new Browser()
    browsers.push(browser)
    const [verifier, state] = [client.randomPKCECodeVerifier(), client.randomState()]
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: REDIRECT_URI,
      scope: 'profile offline_access',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
    })
    await browser.get(url)
    await browser.submit({ account })
    await browser.submit({ decision }, { stopBefore: toKeybearer })
    const callback = locationOf(browser.page) ?? new URL(REDIRECT_URI)
    return { callback, checks: { pkceCodeVerifier: verifier, expectedState: state } }
  }

  async function obtain(configuration: client.Configuration, account: string) {
    const { callback, checks } = await authorize(configuration, account)
    const tokens = await client.authorizationCodeGrant(configuration, callback, checks)
    return { accessToken: tokens.access_token, refreshToken: tokens.refresh_token ?? '', expiresIn: tokens.expires_in }
  }

  const me = async (accessToken: string) => {
    const answer = await fetch(`${vendor.url}/api/me`, { headers: { authorization: `Bearer ${accessToken}` } })
    return { status: answer.status, body: (await answer.json()) as { name?: string; error?: string } }
  }
  const journal = async () => (await (await fetch(`${vendor.url}/journal`)).json()) as Journal
  const faults = (body: Faults) => fetch(`${vendor.url}/faults`, { method: 'POST', body: JSON.stringify(body) })
  const invalidGrant = expect.objectContaining({ error: 'invalid_grant' }) as Error

  beforeAll(() => start(0))
  beforeEach(async () => {
    await fetch(`${vendor.url}/journal`, { method: 'DELETE' })
    await fetch(`${vendor.url}/faults`, { method: 'DELETE' })
  })
  afterAll(async () => {
    await vendor.close()
    await Promise.all(browsers.map((browser) => browser.close()))
    rmSync(folder, { recursive: true })
  })

  it('gives a token after login and consent, with which it knows the account again', async () => {
    for (const configuration of [
      confidential(),
      as(VENDOR_CLIENT, client.ClientSecretPost(CLIENT_SECRET)),
      as(VENDOR_PUBLIC_CLIENT, client.None()),
    ]) {
      const { accessToken, expiresIn } = await obtain(configuration, 'vera')
      expect(expiresIn).toBe(60)
      expect(await me(accessToken)).toMatchObject({ status: 200, body: { name: 'Vera L. of Acme' } })
    }
    expect(await journal()).toMatchObject({
      token_requests: { authorization_code: 3 },
      by_account: { vera: { authorization_code: 3 } },
      consents: { allowed: 3, denied: 0 },
      in_flight: 0,
      latest_token_live: { vera: true },
    })
  })

  it('answers access_denied when the person says no', async () => {
    const { callback } = await authorize(confidential(), 'vera', 'deny')
    expect(callback.searchParams.get('error')).toBe('access_denied')
    expect(callback.searchParams.has('code')).toBe(false)
  })

  it('refuses a code twice, and ends what the first use had given', async () => {
    const { callback, checks } = await authorize(confidential(), 'vera')
    const { access_token: accessToken } = await client.authorizationCodeGrant(confidential(), callback, checks)
    await expect(client.authorizationCodeGrant(confidential(), callback, checks)).rejects.toEqual(invalidGrant)
    expect((await me(accessToken)).status).toBe(401)
  })

  it('refuses a wrong verifier, a missing challenge, a foreign redirect URI and a wrong secret', async () => {
    const { callback, checks } = await authorize(confidential(), 'vera')
    const wrong = { ...checks, pkceCodeVerifier: client.randomPKCECodeVerifier() }
    await expect(client.authorizationCodeGrant(confidential(), callback, wrong)).rejects.toEqual(invalidGrant)
    const stranger = as(VENDOR_CLIENT, client.ClientSecretBasic('guessed'))
    await expect(client.authorizationCodeGrant(stranger, callback, checks)).rejects.toMatchObject({ status: 401 })

    const browser = new Browser()
    browsers.push(browser)
    const request = { client_id: VENDOR_CLIENT, response_type: 'code', redirect_uri: REDIRECT_URI }
    await browser.get(`${vendor.url}/authorize?${new URLSearchParams(request).toString()}`, { stopBefore: toKeybearer })
    expect(locationOf(browser.page)?.searchParams.get('error')).toBe('invalid_request')
    const foreign = new URLSearchParams({ ...request, redirect_uri: 'http://localhost:1/' })
    expect((await browser.get(`${vendor.url}/authorize?${foreign.toString()}`)).status).toBe(400)
  })

  it('rotates refresh tokens, and ends the whole family when an old one comes again', async () => {
    const first = await obtain(confidential(), 'victor')
    const second = await client.refreshTokenGrant(confidential(), first.refreshToken)
    expect(second.refresh_token).not.toBe(first.refreshToken)
    expect((await me(second.access_token)).status).toBe(200)
    await expect(client.refreshTokenGrant(confidential(), first.refreshToken)).rejects.toEqual(invalidGrant)
    expect((await me(second.access_token)).status).toBe(401)
    await expect(client.refreshTokenGrant(confidential(), second.refresh_token ?? '')).rejects.toEqual(invalidGrant)
    expect(await journal()).toMatchObject({
      token_requests: { refresh_token: 3 },
      issued: { refresh_token: 1 },
      refused: { invalid_grant: 2 },
      refresh_tokens_reused: 1,
    })
  })

  it('ends only the family concerned', async () => {
    const [one, other] = [await obtain(confidential(), 'vera'), await obtain(confidential(), 'vera')]
    await client.tokenRevocation(confidential(), one.refreshToken)
    expect((await me(one.accessToken)).status).toBe(401)
    expect((await me(other.accessToken)).status).toBe(200)
    await expect(client.refreshTokenGrant(as(VENDOR_PUBLIC_CLIENT, client.None()), other.refreshToken)).rejects.toEqual(
      invalidGrant,
    )
    expect((await me(other.accessToken)).status).toBe(200)
  })

  it('gives the client itself a token, and none to a public client', async () => {
    const { access_token: accessToken } = await client.clientCredentialsGrant(confidential())
    expect(await me(accessToken)).toMatchObject({ status: 200, body: { id: VENDOR_CLIENT } })
    const open = as(VENDOR_PUBLIC_CLIENT, client.None())
    await expect(client.clientCredentialsGrant(open)).rejects.toMatchObject({ error: 'unauthorized_client' })
  })

  it('keeps its promises over a restart, in a file that only its owner reads and that holds no token', async () => {
    const { accessToken, refreshToken } = await obtain(confidential(), 'priya')
    const { port } = vendor
    await vendor.close()
    await start(port)
    expect((await me(accessToken)).status).toBe(200)
    await client.refreshTokenGrant(confidential(), refreshToken)
    const file = join(folder, 'vendor.json')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(accessToken).toContain('CANARY')
    expect(readFileSync(file, 'utf8')).not.toContain('CANARY')
  })

  it('fails on request, before or after the refresh token is used up', async () => {
    const { refreshToken } = await obtain(confidential(), 'vera')
    await faults({ grant_type: 'refresh_token', fail_status: 503, times: 1 })
    await expect(client.refreshTokenGrant(confidential(), refreshToken)).rejects.toThrow()
    const second = await client.refreshTokenGrant(confidential(), refreshToken)

    await faults({ account: 'vera', drop: true, when: 'after_commit', times: 1 })
    await expect(client.refreshTokenGrant(confidential(), second.refresh_token ?? '')).rejects.toThrow()
    await expect(client.refreshTokenGrant(confidential(), second.refresh_token ?? '')).rejects.toEqual(invalidGrant)
    expect(await journal()).toMatchObject({ issued: { refresh_token: 2 }, refresh_tokens_reused: 1 })
  })

  it('loses a request that is held up on its way, when its client does not wait', async () => {
    const { refreshToken } = await obtain(confidential(), 'vera')
    await faults({ grant_type: 'refresh_token', when: 'before_arrival', delay_ms: 60_000, times: 1 })
    const impatient = new AbortController()
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken })
    const request = fetch(`${vendor.url}/token`, { method: 'POST', body, signal: impatient.signal })
    request.catch(() => undefined)
    await until('the request is held up', 5, async () => (await journal()).held.length === 1)
    impatient.abort()
    await until('it is lost', 5, async () => (await journal()).held.length === 0)
    expect(await journal()).toMatchObject({ token_requests: { authorization_code: 1 }, in_flight: 0 })
    await client.refreshTokenGrant(confidential(), refreshToken)
    expect(await journal()).toMatchObject({ token_requests: { refresh_token: 1 }, refresh_tokens_reused: 0 })
  })

  it('tells its witness every secret', async () => {
    const { callback, checks } = await authorize(confidential(), 'guest-17')
    const tokens = await client.authorizationCodeGrant(confidential(), callback, checks)
    expect((await me(tokens.access_token)).body).toMatchObject({ name: 'Guest 17 of Acme' })
    expect(secrets).toEqual(
      expect.arrayContaining([
        ['authorization code', callback.searchParams.get('code')],
        ['code verifier', checks.pkceCodeVerifier],
        ['access token', tokens.access_token],
        ['refresh token', tokens.refresh_token],
      ]),
    )
  })

  it('issues shorter tokens to one account on request, which stop working', async () => {
    await faults({ account: 'vera', access_token_seconds: 0 })
    const [short, long] = [await obtain(confidential(), 'vera'), await obtain(confidential(), 'victor')]
    expect((await journal()).latest_token_live).toMatchObject({ vera: false, victor: true })
    expect((await me(short.accessToken)).body).toEqual({ error: 'invalid_token' })
    expect((await me(long.accessToken)).status).toBe(200)
  })
})
