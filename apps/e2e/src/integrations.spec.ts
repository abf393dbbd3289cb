import { jest } from '@jest/globals'
import { eventually } from '#libs/testing'
import { UnexpectedAnswer } from '../../demo/src/api.js'
import { VENDOR_CLIENT } from '../../demo/src/vendor.js'
import { World, type Exchanged } from './world.js'

jest.setTimeout(120_000)

const WITHIN = { timeoutMs: 2_000 }

describe('integrations, from the administrator’s call to the token request', () => {
  let world: World
  let aliceKey: string
  let priyaKey: string

  beforeAll(async () => {
    world = await World.start({ replicas: { vault: 2 } })
    const [alice, priya] = [world.person('alice'), world.person('priya')]
    await alice.logIn()
    const { guid } = await priya.logIn()
    await alice.api('PUT', `/v1/users/${guid}`, { user_role: 'publisher' })
    aliceKey = await alice.makeKey('administrator')
    priyaKey = await eventually(() => priya.makeKey('publisher'))
    world.contentKey.value = priyaKey
  })
  afterAll(() => world?.stop())

  const change = (guid: string, body: object) => world.call(aliceKey, 'PATCH', `/v1/oauth/integrations/${guid}`, body)
  const secret = (text: string) => ({ config: { client_secret: text } })
  const verify = (guid: string) => world.call(aliceKey, 'POST', `/v1/oauth/integrations/${guid}/verify`, {})
  const refusal = async (call: Promise<unknown>): Promise<[number, number | null] | undefined> => {
    try {
      await call
      return undefined
    } catch (error) {
      if (error instanceof UnexpectedAnswer) return [error.status, error.code]
      throw error
    }
  }

  /** Content that a viewer has opened and consented for; `exchange` is what it would do next. */
  async function consented(name: string, viewer: string, integration: string) {
    const content = await world.makeContent(priyaKey, name, world.probe.url, [integration])
    await world.person(viewer).consent(content)
    await world.person(viewer).open(content)
    const token = world.probe.tokenOf(viewer)
    return { content, exchange: (): Promise<Exchanged> => world.exchange(priyaKey, token) }
  }

  describe('the four who take part, in their order', () => {
    const callback = () => `${world.address}/__oauth__/integrations/callback`
    let integration: string
    let content: string

    /** Who the vendor says is the bearer; the status when it says nobody is. */
    const bearer = async (token: string | undefined): Promise<unknown> => {
      const answer = await fetch(`${world.vendorUrl}/api/me`, { headers: { authorization: `Bearer ${token}` } })
      return answer.status === 200 ? ((await answer.json()) as { name?: string }).name : answer.status
    }
    const exchanged = (viewer: string) => world.exchange(priyaKey, world.probe.tokenOf(viewer))

    it('PERS-01 PERS-02 PERS-03 PERS-04 PERS-06 the vendor has an application with the address that the form shows', async () => {
      const form = await world.call<{ fields: { name: string }[] }>(aliceKey, 'GET', '/v1/oauth/templates/custom')
      expect(JSON.stringify(form)).toContain(callback())
      expect(form.fields.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['client_id', 'client_secret', 'scopes']),
      )
      const query = new URLSearchParams({ client_id: VENDOR_CLIENT, redirect_uri: callback(), response_type: 'code' })
      const { headers } = await fetch(`${world.vendorUrl}/authorize?${query.toString()}`, { redirect: 'manual' })
      expect(headers.get('location')?.startsWith(`${callback()}?`)).toBe(true)
    })

    it('PERS-01 PERS-10 INT-15 INT-24 the administrator makes an integration, and the publisher associates it', async () => {
      integration = await world.makeIntegration(aliceKey)
      content = await world.makeContent(priyaKey, 'personal', world.probe.url, [integration])
      expect(await world.call(priyaKey, 'GET', `/v1/content/${content}/oauth/integrations/associations`)).toMatchObject(
        [{ oauth_integration_guid: integration, oauth_integration_auth_type: 'Viewer' }],
      )
    })

    it('PERS-11 PERS-14 INT-01 INT-05 each viewer gets a token of their own, by consent and not before; it ends', async () => {
      expect((await world.journal()).by_account.vera).toBeUndefined()
      for (const [viewer, name] of [
        ['vera', 'Vera L. of Acme'],
        ['victor', 'Victor O. of Acme'],
      ] as const) {
        await world.setFaults({ account: viewer, access_token_seconds: 2 })
        await world.person(viewer).consent(content)
        await world.person(viewer).open(content)
        const { token } = await exchanged(viewer)
        expect(await bearer(token)).toBe(name)
        await world.setFaults()
        await eventually(async () => (await bearer(token)) === 401, { timeoutMs: 5_000 })
      }
      expect((await world.journal()).by_account.vera).toMatchObject({ authorization_code: 1 })
      const [vera, victor] = [await exchanged('vera'), await exchanged('victor')]
      expect(vera.token).not.toBe(victor.token)
    })

    it('INT-02 INT-17 PERS-14 whom the vendor refuses, or who refuses it, gets no token', async () => {
      const greedy = await world.makeIntegration(aliceKey)
      await change(greedy, { config: { scopes: 'everything' } })
      const { browser } = world.person('alice')
      const ask = (guid: string) => browser.get(`${world.address}/__oauth__/integrations/${guid}/login`)
      const isRefused = () => browser.page.url.href.startsWith(callback()) && browser.page.status >= 400
      await eventually(async () => {
        await ask(greedy)
        return isRefused()
      })
      await ask(integration)
      await browser.submit({ account: 'alice' })
      await browser.submit({ decision: 'deny' })
      expect(isRefused()).toBe(true)
      const { rows } = await world.house
        .pool('vault')
        .query('select user_guid from oauth_grant where integration_guid = any($1)', [[greedy, integration]])
      expect(rows).toHaveLength(2)
      expect((await world.journal()).by_account.alice).toBeUndefined()
    })
  })

  it('INT-09 INT-20 SVC-01 a service account is verified, and its new secret counts from the next request on', async () => {
    const { guid } = await world.call<{ guid: string }>(aliceKey, 'POST', '/v1/oauth/integrations', {
      template: 'custom',
      name: 'Robot',
      config: {
        auth_type: 'Service Account',
        token_uri: `${world.vendorUrl}/token`,
        client_id: VENDOR_CLIENT,
        client_secret: world.secrets.vendorClientSecret,
      },
    })
    expect(await refusal(verify(guid))).toBeUndefined()
    await change(guid, secret('a-wrong-one'))
    expect(await refusal(verify(guid))).toEqual([400, 241])
    await change(guid, secret(world.secrets.vendorClientSecret))
    expect(await refusal(verify(guid))).toBeUndefined()
  })

  it('INT-20 a Viewer integration gets a new secret without a touch to content or consent', async () => {
    const guid = await world.makeIntegration(aliceKey)
    await world.setFaults({ account: 'victor', access_token_seconds: 1 })
    const { exchange } = await consented('rotated', 'victor', guid)
    // Every token of his is short from here on, so that there is always one to refresh.
    await change(guid, secret('a-wrong-one'))
    await eventually(async () => (await exchange()).code === 241, { timeoutMs: 10_000 })
    await change(guid, secret(world.secrets.vendorClientSecret))
    await eventually(async () => (await exchange()).status === 200, { timeoutMs: 10_000 })
    await world.setFaults()
  })

  it('CONTENT-11 CONTENT-12 content cannot be opened to everybody, and gets no token once it is static', async () => {
    const { content, exchange } = await consented('becoming', 'vera', await world.makeIntegration(aliceKey))
    expect((await exchange()).status).toBe(200)
    const path = `/v1/content/${content}`
    expect(await refusal(world.call(priyaKey, 'PATCH', path, { access_type: 'all' }))).toEqual([400, 209])
    await world.call(priyaKey, 'PATCH', path, { app_mode: 'static' })
    await eventually(async () => (await exchange()).code === 237, WITHIN)
    await world.call(priyaKey, 'PATCH', path, { app_mode: 'shiny' })
    await eventually(async () => (await exchange()).status === 200, WITHIN)
  })

  it('ASC-10 takes associations, grants and tokens with it', async () => {
    const guid = await world.makeIntegration(aliceKey)
    const { content, exchange } = await consented('leaving', 'vera', guid)
    expect((await exchange()).status).toBe(200)
    await world.call(aliceKey, 'DELETE', `/v1/oauth/integrations/${guid}`)
    expect(await world.call(priyaKey, 'GET', `/v1/content/${content}/oauth/integrations/associations`)).toEqual([])
    await eventually(async () => (await exchange()).status === 400, WITHIN)
    await eventually(async () => {
      const { rows } = await world.house.pool('vault').query<{ status: string; tokens: number }>(
        `select status, (select count(*)::int from safe where place like 'grant/' || oauth_grant.guid || '/%') as tokens
         from oauth_grant where integration_guid = $1`,
        [guid],
      )
      return rows.length === 1 && rows[0]?.status === 'revoked' && rows[0].tokens === 0
    }, WITHIN)
  })
})
