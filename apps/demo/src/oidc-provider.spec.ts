import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as client from 'openid-client'
import { until } from './api.js'
import { Browser, locationOf } from './browser.js'
import { keysOf, startOidcProvider } from './oidc-provider.js'

const REDIRECT_URI = 'http://localhost:3939/__login__/callback'
const toKeybearer = (url: URL): boolean => url.href.startsWith(REDIRECT_URI)

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe('the demo’s OpenID provider', () => {
  const folder = mkdtempSync(join(tmpdir(), 'demo-oidc-'))
  const browsers: Browser[] = []
  const secrets: [string, string][] = []
  let provider: Awaited<ReturnType<typeof startOidcProvider>>
  let relyingParty: client.Configuration

  const newBrowser = (): Browser => {
    const browser = new Browser()
    browsers.push(browser)
    return browser
  }

  async function start(port: number): Promise<void> {
    const clientSecret = 'a secret: with + signs'
    provider = await startOidcProvider({
      port,
      folder,
      clientId: 'keybearer',
      clientSecret,
      redirectUri: REDIRECT_URI,
      silent: true,
      witness: (kind, value) => void secrets.push([kind, value]),
    })
    await until('the provider answers', 5, () =>
      fetch(`${provider.issuer}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      ),
    )
    relyingParty = await client.discovery(
      new URL(provider.issuer),
      'keybearer',
      undefined,
      client.ClientSecretBasic(clientSecret),
      {
        execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
      },
    )
  }

  /** Begins a login; `finish` redeems the code that the browser came back with. */
  async function beginLogin(browser: Browser) {
    const [verifier, state, nonce] = [client.randomPKCECodeVerifier(), client.randomState(), client.randomNonce()]
    const url = client.buildAuthorizationUrl(relyingParty, {
      redirect_uri: REDIRECT_URI,
      scope: 'openid email profile',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    })
    await browser.get(url, { stopBefore: toKeybearer })
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce }
    return () => client.authorizationCodeGrant(relyingParty, locationOf(browser.page) ?? new URL(REDIRECT_URI), checks)
  }

  beforeAll(async () => start(await freePort()))
  afterAll(async () => {
    await provider.close()
    await Promise.all(browsers.map((browser) => browser.close()))
    rmSync(folder, { recursive: true })
  })

  it('LOGIN-01 logs a person in by one click, without a consent page, with every claim in the ID token and at userinfo', async () => {
    const browser = newBrowser()
    const finish = await beginLogin(browser)
    expect(browser.page.body).toContain('nobody needs a password')
    await browser.submit({ username: 'priya' }, { stopBefore: toKeybearer })
    const tokens = await finish()
    const wanted = {
      sub: 'priya',
      preferred_username: 'priya',
      given_name: 'Priya',
      family_name: 'Nair',
      email: 'priya@demo.example',
      email_verified: true,
      groups: ['publishers', 'analysts'],
    }
    expect(tokens.claims()).toMatchObject({ ...wanted, iss: provider.issuer, aud: 'keybearer' })
    expect(await client.fetchUserInfo(relyingParty, tokens.access_token, 'priya')).toMatchObject(wanted)
  })

  it('knows a person who is logged in already, and tells two browsers apart', async () => {
    const [vera, victor] = [newBrowser(), newBrowser()]
    for (const [browser, username] of [
      [vera, 'vera'],
      [victor, 'victor'],
    ] as const) {
      await (async () => beginLogin(browser))()
      await browser.submit({ username }, { stopBefore: toKeybearer })
    }
    const finish = await beginLogin(vera)
    expect((await finish()).claims()?.sub).toBe('vera')
  })

  it('logs people out who come from Keybearer, and sends them back there', async () => {
    const browser = newBrowser()
    const finish = await beginLogin(browser)
    await browser.submit({ username: 'vera' }, { stopBefore: toKeybearer })
    expect((await finish()).claims()?.sid).toEqual(expect.any(String))
    const done = 'http://localhost:3939/__logout__/done'
    const logout = client.buildEndSessionUrl(relyingParty, { post_logout_redirect_uri: done, state: 's' })
    expect((await browser.get(logout)).status).toBe(200)
    await browser.submit({ logout: 'yes' }, { stopBefore: ({ href }) => href.startsWith(done) })
    expect(locationOf(browser.page)?.href).toBe(`${done}?state=s`)
    await beginLogin(browser)
    expect(browser.page.body).toContain('Who are you?')
  })

  it('knows many guests, and tells its witness every secret', async () => {
    const browser = newBrowser()
    const finish = await beginLogin(browser)
    await browser.submit({ username: 'guest-204' }, { stopBefore: toKeybearer })
    const tokens = await finish()
    expect(tokens.claims()).toMatchObject({ sub: 'guest-204', name: 'Guest 204', groups: ['viewers'] })
    expect(secrets).toEqual(
      expect.arrayContaining([
        ['authorization code', locationOf(browser.page)?.searchParams.get('code')],
        ['code verifier', expect.any(String)],
        ['access token', tokens.access_token],
        ['ID token', tokens.id_token],
      ]),
    )
  })

  it('refuses a name that it does not know, and an authorization request without PKCE', async () => {
    const browser = newBrowser()
    await beginLogin(browser)
    expect((await browser.submit({ username: 'mallory' })).status).toBe(400)
    const bare = client.buildAuthorizationUrl(relyingParty, { redirect_uri: REDIRECT_URI, scope: 'openid' })
    bare.searchParams.delete('code_challenge')
    await browser.get(bare, { stopBefore: toKeybearer })
    expect(locationOf(browser.page)?.searchParams.get('error')).toBe('invalid_request')
  })

  it('signs with the same key after a restart, so that logins go on', async () => {
    const [before, port] = [relyingParty.serverMetadata().jwks_uri ?? '', provider.port]
    const published = async () => (await (await fetch(before)).json()) as { keys: { kid: string; d?: string }[] }
    const keys = await published()
    await provider.close()
    await start(port)
    expect(await published()).toEqual(keys)
    expect(keys.keys.every((key) => key.d === undefined)).toBe(true)
    expect(statSync(join(folder, 'oidc-keys.json')).mode & 0o777).toBe(0o600)
    const browser = newBrowser()
    const finish = await beginLogin(browser)
    await browser.submit({ username: 'alice' }, { stopBefore: toKeybearer })
    expect((await finish()).claims()?.sub).toBe('alice')
  })
})

describe('the provider’s signing keys', () => {
  it('get a successor after a week, which stands in front of the two before it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'demo-keys-'))
    const kids: string[] = []
    for (const day of [1, 10, 19, 28]) {
      const { keys } = await keysOf(folder, new Date(Date.UTC(2026, 10, day)))
      kids.unshift(keys[0]?.kid ?? '')
      expect(keys.map(({ kid }) => kid)).toEqual(kids.slice(0, 3))
    }
    expect((await keysOf(folder, new Date(Date.UTC(2026, 10, 30)))).keys[0]?.kid).toBe(kids[0])
    rmSync(folder, { recursive: true })
  })
})
