import { jest } from '@jest/globals'
import { GRANT_TYPE_TOKEN_EXCHANGE, REQUESTED_TOKEN_TYPE, SUBJECT_TOKEN_TYPE } from '#libs/contracts'
import { CLIENT_ID, CLIENT_SECRET, eventually, VendorServer, vendors } from '#libs/testing'
import { VENDOR_CLIENT } from '../../demo/src/vendor.js'
import { vendorIntegration } from '../../demo/src/api.js'
import type { Account, Person } from './person.js'
import { World } from './world.js'

jest.setTimeout(120_000)

interface Answer {
  readonly status: number
  readonly body: { access_token: string; token_type: string; expires_in?: number; code?: number }
}

describe('content that has an identity of its own, in a running house that takes no personal keys for it', () => {
  let world: World
  let alice: Person
  let key: string
  let owner: string

  beforeAll(async () => {
    world = await World.start({ replicas: { vault: 2 }, settings: ['Content.RequireContentKeys=true'] })
    alice = world.person('alice')
    owner = (await alice.logIn()).guid
    key = await alice.makeKey('of alice')
  })
  afterAll(() => world?.stop())

  async function exchange(apiKey: string, form: Record<string, string>): Promise<Answer> {
    const answer = await fetch(`${world.address}/__api__/v1/oauth/integrations/credentials`, {
      method: 'POST',
      headers: { authorization: `Key ${apiKey}` },
      body: new URLSearchParams({ grant_type: GRANT_TYPE_TOKEN_EXCHANGE, ...form }),
    })
    return { status: answer.status, body: (await answer.json()) as Answer['body'] }
  }
  const boundKey = async (content_guid: string): Promise<string> =>
    (await world.call<{ key: string }>(alice, 'POST', `/v1/users/${owner}/keys`, { name: 'bound', content_guid })).key
  const sessionToken = async (by: string, content: string): Promise<string> =>
    (await world.call<{ token: string }>(by, 'POST', `/v1/content/${content}/session-token`)).token

  it('SVC-01 PERS-12 gets one token for whoever runs it, by a key that is bound to it', async () => {
    const client = { id: VENDOR_CLIENT, secret: world.secrets.vendorClientSecret }
    const viewer = vendorIntegration('Acme robot', world.vendorUrl, client)
    const robot = { ...viewer, config: { ...viewer.config, auth_type: 'Service Account' } }
    const { guid } = await world.call<{ guid: string }>(key, 'POST', '/v1/oauth/integrations', robot)
    const content = await world.makeContent(key, 'report', world.probe.url, [guid])
    const bound = await boundKey(content)
    const subject_token = await sessionToken(bound, content)
    const form = { subject_token_type: SUBJECT_TOKEN_TYPE.contentSession, subject_token }
    const first = await eventually(async () => {
      const answer = await exchange(bound, form)
      return answer.status === 200 && answer
    })
    expect(first.body).toMatchObject({ token_type: 'Bearer' })
    const more = await Promise.all(Array.from({ length: 8 }, () => exchange(bound, form)))
    expect(new Set(more.map(({ body }) => body.access_token))).toEqual(new Set([first.body.access_token]))
    // C02: a key of the owner's own.
    expect(await exchange(key, form)).toMatchObject({ status: 403, body: { code: 22 } })
    // C01 C11: a key of another item of the same owner.
    const other = await boundKey(await world.makeContent(key, 'other', world.probe.url, [guid]))
    expect(await exchange(other, form)).toMatchObject({ status: 403, body: { code: 22 } })
    await expect(world.call(bound, 'GET', '/v1/user')).rejects.toMatchObject({ status: 403 })
  })

  it('SVC-07 SVC-04 gets the token of a Databricks service principal, by its client ID and secret alone', async () => {
    const workspace = await new VendorServer(vendors.databricks).start()
    try {
      const registration = { client_id: CLIENT_ID, client_secret: CLIENT_SECRET }
      const config = { auth_type: 'Service Account', workspace_host: workspace.host, ...registration }
      const principal = { name: 'Databricks robot', template: 'databricks', config }
      const { guid } = await world.call<{ guid: string }>(key, 'POST', '/v1/oauth/integrations', principal)
      await world.call(key, 'POST', `/v1/oauth/integrations/${guid}/verify`)
      const content = await world.makeContent(key, 'warehouse', world.probe.url, [guid])
      const bound = await boundKey(content)
      const subject_token = await sessionToken(bound, content)
      const form = { subject_token_type: SUBJECT_TOKEN_TYPE.contentSession, subject_token }
      const { body } = await eventually(async () => {
        const answer = await exchange(bound, form)
        return answer.status === 200 && answer
      })
      expect([body.token_type, workspace.desk.good.has(body.access_token)]).toEqual(['Bearer', true])
      const asked = workspace.journal.map(({ path, grantType, status }) => `${path} ${grantType} ${status}`)
      expect(new Set(asked)).toEqual(new Set(['/oidc/v1/token client_credentials 200']))
    } finally {
      await workspace.stop()
    }
  })

  it('C02 C04 acts as its visitor at this server, by a key of theirs that is no more than a viewer’s', async () => {
    const connect = { name: 'Here', template: 'connect', config: { max_role: 'Viewer', auth_type: 'Visitor API Key' } }
    const { guid } = await world.call<{ guid: string }>(key, 'POST', '/v1/oauth/integrations', connect)
    const content = await world.makeContent(key, 'mine', world.probe.url, [guid])
    await eventually(() => alice.open(content).then(() => true))
    const form = {
      subject_token_type: SUBJECT_TOKEN_TYPE.userSession,
      subject_token: world.probe.tokenOf('alice'),
      requested_token_type: REQUESTED_TOKEN_TYPE.apiKey,
    }
    const bound = await boundKey(content)
    const { body } = await eventually(async () => {
      const answer = await exchange(bound, form)
      return answer.status === 200 && answer
    })
    // The visitor's token, copied to another item of the same publisher, which has the integration too.
    const other = await boundKey(await world.makeContent(key, 'mine-too', world.probe.url, [guid]))
    for (const apiKey of [key, other])
      expect(await exchange(apiKey, form)).toMatchObject({ status: 403, body: { code: 22 } })
    expect(body).toMatchObject({ token_type: 'Key', expires_in: 3600 })
    const me = await world.call<Account>(body.access_token, 'GET', '/v1/user')
    expect(me.username).toBe('alice')
    await expect(
      world.call(body.access_token, 'POST', '/v1/content', { name: 'not-for-viewers' }),
    ).rejects.toMatchObject({ status: 403 })
  })
})
