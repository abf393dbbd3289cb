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
  const refusal = (call: Promise<unknown>) =>
    call.then(
      () => undefined,
      (error: unknown) => (error instanceof UnexpectedAnswer ? [error.status, error.code] : Promise.reject(error)),
    )

  /** Content that a viewer has opened and consented for; `exchange` is what it would do next. */
  async function consented(name: string, viewer: string, integration: string) {
    const content = await world.makeContent(priyaKey, name, world.probe.url, [integration])
    await world.person(viewer).consent(content)
    await world.person(viewer).open(content)
    const token = world.probe.tokenOf(viewer)
    return { content, exchange: (): Promise<Exchanged> => world.exchange(priyaKey, token) }
  }

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
    await world.setFaults()
    await change(guid, secret('a-wrong-one'))
    await eventually(async () => (await exchange()).code === 241, { timeoutMs: 10_000 })
    await change(guid, secret(world.secrets.vendorClientSecret))
    await eventually(async () => (await exchange()).status === 200, { timeoutMs: 10_000 })
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
