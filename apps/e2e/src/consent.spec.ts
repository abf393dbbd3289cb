import { jest } from '@jest/globals'
import { GRANT_TYPE_TOKEN_EXCHANGE, SUBJECT_TOKEN_TYPE } from '#libs/contracts'
import { eventually } from '#libs/testing'
import { UnexpectedAnswer } from '../../demo/src/api.js'
import { locationOf } from '../../demo/src/browser.js'
import { World } from './world.js'

jest.setTimeout(120_000)

const WITHIN = { timeoutMs: 5_000 }

interface Session {
  guid: string
  user_guid: string
  oauth_integration_guid: string
  has_refresh_token: boolean
}

describe('consent, from the first visit to the end of it', () => {
  let world: World
  let priyaKey: string
  let integration: string
  let content: string

  beforeAll(async () => {
    world = await World.start({ replicas: { vault: 2 } })
    const [alice, priya] = [world.person('alice'), world.person('priya')]
    await alice.logIn()
    const { guid } = await priya.logIn()
    await alice.api('PUT', `/v1/users/${guid}`, { user_role: 'publisher' })
    priyaKey = await eventually(() => priya.makeKey('publisher'))
    integration = await world.makeIntegration(await alice.makeKey('administrator'))
    // Integrations hears of her role a little later.
    content = await eventually(() => world.makeContent(priyaKey, 'personal', world.probe.url, [integration]))
  })
  afterAll(() => world?.stop())

  const contentUrl = () => `${world.address}/content/${content}/`
  const isAtVendor = (url: URL): boolean => url.origin === world.vendorUrl
  const exchanged = (viewer: string) => world.exchange(priyaKey, world.probe.tokenOf(viewer))
  const bearer = async (token: string | undefined): Promise<string | number> => {
    const answer = await fetch(`${world.vendorUrl}/api/me`, { headers: { authorization: `Bearer ${token}` } })
    return answer.status === 200 ? ((await answer.json()) as { name: string }).name : answer.status
  }
  const sessionsOf = (viewer: string, query = '') =>
    world.person(viewer).api<Session[]>('GET', `/v1/oauth/sessions${query}`)
  const refusalOf = (call: Promise<unknown>) =>
    call.then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof UnexpectedAnswer) return [error.status, error.code]
        throw error
      },
    )

  it('FLOW-01 FLOW-02 FLOW-04 FLOW-05 VAULT-10 the first visit leads to the vendor’s consent, and there is no token before', async () => {
    await world.person('vera').logIn()
    const { browser } = world.person('vera')
    const vendor = await eventually(async () => {
      const at = locationOf(await browser.get(contentUrl(), { stopBefore: isAtVendor }))
      return at && isAtVendor(at) ? at : undefined
    })
    expect(`${vendor!.origin}${vendor!.pathname}`).toBe(`${world.vendorUrl}/authorize`)
    expect(Object.fromEntries(vendor!.searchParams)).toMatchObject({
      response_type: 'code',
      redirect_uri: `${world.address}/__oauth__/integrations/callback`,
      scope: expect.stringContaining('offline_access') as string,
      code_challenge_method: 'S256',
    })
    expect(await sessionsOf('vera')).toEqual([])
    expect((await world.journal()).token_requests).toEqual({})
    await browser.get(vendor!)
  })

  it('FLOW-08 B17 declining gives no token, and a page without scripts that nobody frames and that asks again', async () => {
    const { browser } = world.person('vera')
    await browser.submit({ account: 'vera' })
    const { status, headers, body, url } = await browser.submit({ decision: 'deny' })
    expect([status, url.pathname]).toEqual([403, '/__oauth__/integrations/callback'])
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
    expect(headers['content-security-policy']).toContain("default-src 'none'")
    expect(body).not.toMatch(/<script/i)
    expect(await sessionsOf('vera')).toEqual([])
    expect((await world.journal()).token_requests).toEqual({})
    const again = /class="button" href="([^"]+)"/.exec(body)?.[1]?.replaceAll('&#38;', '&')
    await browser.get(again!)
    expect(isAtVendor(browser.page.url)).toBe(true)
  })

  it('FLOW-03 FLOW-06 FLOW-12 consent leads back to the content, and leaves both kinds of tokens', async () => {
    const { browser } = world.person('vera')
    await browser.submit({ decision: 'allow' })
    expect(browser.page.url.href).toBe(contentUrl())
    expect((await world.journal()).token_requests).toEqual({ authorization_code: 1 })
    expect(await sessionsOf('vera')).toEqual([
      expect.objectContaining({ oauth_integration_guid: integration, has_refresh_token: true }),
    ])
  })

  it('FLOW-07 FLOW-09 VAULT-01 VAULT-02 VAULT-03 content acts as the viewer, with a short token alone, and nobody asks twice', async () => {
    const form = {
      grant_type: GRANT_TYPE_TOKEN_EXCHANGE,
      subject_token_type: SUBJECT_TOKEN_TYPE.userSession,
      subject_token: world.probe.tokenOf('vera'),
    }
    const answer = await fetch(`${world.address}/__api__/v1/oauth/integrations/credentials`, {
      method: 'POST',
      headers: { authorization: `Key ${priyaKey}` },
      body: new URLSearchParams(form),
    })
    const body = (await answer.json()) as Record<string, unknown>
    expect(Object.keys(body).sort()).toEqual(['access_token', 'expires_in', 'issued_token_type', 'scope', 'token_type'])
    expect(body.expires_in).toBeGreaterThan(0)
    expect(body.expires_in).toBeLessThanOrEqual(3600)
    expect(await bearer(body.access_token as string)).toBe('Vera L. of Acme')
    const { browser } = world.person('vera')
    const from = browser.history.length
    await browser.get(contentUrl())
    expect(browser.history.slice(from).map(({ url }) => url.href)).toEqual([contentUrl()])
  })

  it('FLOW-11 VAULT-06 VAULT-07 the next viewer is asked, too, and gets a token of their own', async () => {
    await world.person('victor').consent(content)
    const [vera, victor] = [await exchanged('vera'), await exchanged('victor')]
    expect(await bearer(victor.token)).toBe('Victor O. of Acme')
    expect(victor.token).not.toBe(vera.token)
  })

  it('VAULT-05 VAULT-09 a token that has ended is replaced by the next request for it', async () => {
    await world.setFaults({ account: 'victor', access_token_seconds: 2 })
    const [{ guid }] = (await sessionsOf('victor')) as [Session]
    await world.person('victor').api('DELETE', `/v1/oauth/sessions/${guid}`)
    const { browser } = world.person('victor')
    await browser.get(`${world.address}/__oauth__/integrations/${integration}/login?return_to=/content/${content}/`)
    await browser.submit({ decision: 'allow' })
    const former = (await exchanged('victor')).token
    await eventually(async () => (await bearer(former)) === 401, WITHIN)
    const { token } = await exchanged('victor')
    await world.setFaults()
    expect(await bearer(token)).toBe('Victor O. of Acme')
    expect(token).not.toBe(former)
  })

  it('FLOW-10 publishers begin from the dashboard, and come back to the start', async () => {
    const { browser } = world.person('priya')
    await browser.get(`${world.address}/__oauth__/integrations/${integration}/login`)
    await browser.submit({ account: 'priya' })
    await browser.submit({ decision: 'allow' })
    expect(browser.page.url.href).toBe(`${world.address}/`)
    expect(await sessionsOf('priya')).toHaveLength(1)
  })

  it('B01 nobody is asked at content that they may not see', async () => {
    const hidden = await world.makeContent(priyaKey, 'hidden', world.probe.url, [integration])
    await world.call(priyaKey, 'PATCH', `/v1/content/${hidden}`, { access_type: 'acl' })
    const { browser } = world.person('vera')
    const query = new URLSearchParams({ return_to: `/content/${hidden}/` }).toString()
    await eventually(async () => {
      const page = await browser.get(`${world.address}/__oauth__/integrations/${integration}/login?${query}`)
      return page.status === 404 && page.body.includes('Nothing to consent to')
    }, WITHIN)
  })

  it('B20 whoever takes it back is obeyed at once here, and at the vendor', async () => {
    const { token } = await exchanged('vera')
    const before = (await world.journal()).revocations
    const [{ guid }] = (await sessionsOf('vera')) as [Session]
    expect(await refusalOf(world.person('victor').api('DELETE', `/v1/oauth/sessions/${guid}`))).toEqual([404, 4])
    expect(await refusalOf(sessionsOf('vera', '?all=true'))).toEqual([403, 22])
    await world.person('vera').api('DELETE', `/v1/oauth/sessions/${guid}`)
    const refused = await exchanged('vera')
    expect(refused).toMatchObject({ status: 404, code: 220 })
    expect(await sessionsOf('vera')).toEqual([])
    await eventually(async () => (await world.journal()).revocations > before, WITHIN)
    expect(await bearer(token)).toBe(401)
    const { browser } = world.person('vera')
    const isAsked = async (): Promise<boolean> => {
      const at = locationOf(await browser.get(contentUrl(), { stopBefore: isAtVendor }))
      return at !== undefined && isAtVendor(at)
    }
    // R07: the gateway has forgotten within two seconds that nothing was missing.
    await eventually(isAsked, { timeoutMs: 3_000 })
    // FLOW-03: and by the address that content was told, from wherever it is followed.
    await browser.get(refused.payload!.consent_url!)
    await browser.submit({ decision: 'allow' })
    expect(browser.page.url.href).toBe(contentUrl())
  })

  it('B20 a vendor that is down is told later, and administrators see it pending until then', async () => {
    const pending = () => world.person('alice').api<{ last_error: string | null }[]>('GET', '/v1/oauth/revocations')
    await eventually(async () => (await pending()).length === 0, WITHIN)
    await world.setFaults({ grant_type: 'revocation', fail_status: 503 })
    const { token } = await exchanged('victor')
    const mine = (await sessionsOf('alice', '?all=true')).filter(({ oauth_integration_guid: of }) => of === integration)
    const victor = await world.person('victor').api<{ guid: string }>('GET', '/v1/user')
    const { guid } = mine.find(({ user_guid }) => user_guid === victor.guid)!
    await world.person('alice').api('DELETE', `/v1/oauth/sessions/${guid}`)
    expect(await exchanged('victor')).toMatchObject({ status: 404, code: 220 })
    await eventually(async () => (await pending())[0]?.last_error === 'unintelligible', WITHIN)
    expect(await bearer(token)).toBe('Victor O. of Acme')
    await world.setFaults()
    await eventually(async () => (await pending()).length === 0, { timeoutMs: 20_000 })
    expect(await bearer(token)).toBe(401)
  })

  it('ends with the lock of its viewer, who has to consent again afterwards', async () => {
    const priya = await world.person('priya').api<{ guid: string }>('GET', '/v1/user')
    const lock = (locked: boolean) => world.person('alice').api('POST', `/v1/users/${priya.guid}/lock`, { locked })
    const hasOne = async () =>
      (await sessionsOf('alice', '?all=true')).some(({ user_guid }) => user_guid === priya.guid)
    expect(await hasOne()).toBe(true)
    await lock(true)
    await eventually(async () => !(await hasOne()), WITHIN)
    await lock(false)
    expect(await hasOne()).toBe(false)
  })
})
