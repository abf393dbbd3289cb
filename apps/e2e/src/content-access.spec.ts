import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { jest } from '@jest/globals'
import { CREDENTIALS_HEADER, USER_SESSION_TOKEN_HEADER } from '#libs/contracts'
import { eventually } from '#libs/testing'
import { World } from './world.js'

jest.setTimeout(120_000)

/** From the answer of a change to the gateway and the vault obeying it. */
const WITHIN = { timeoutMs: 2_000 }

describe('who may see content, from the publisher’s call to the visit and the exchange', () => {
  let world: World
  let aliceKey: string
  let priyaKey: string
  let vera: string

  beforeAll(async () => {
    world = await World.start({ replicas: { vault: 2 } })
    const [alice, priya] = [world.person('alice'), world.person('priya')]
    await alice.logIn()
    const { guid } = await priya.logIn()
    await alice.api('PUT', `/v1/users/${guid}`, { user_role: 'publisher' })
    aliceKey = await alice.makeKey('administrator')
    priyaKey = await eventually(() => priya.makeKey('publisher'))
    vera = (await world.person('vera').logIn()).guid
    await world.person('victor').logIn()
  })
  afterAll(() => world?.stop())

  const makeContent = async (name: string, accessType = 'acl'): Promise<string> => {
    const guid = await world.makeContent(priyaKey, name, world.probe.url, [])
    await world.call(priyaKey, 'PATCH', `/v1/content/${guid}`, { access_type: accessType })
    return guid
  }
  const permit = (guid: string, principal: string, type = 'user') =>
    world.call<{ id: string }>(priyaKey, 'POST', `/v1/content/${guid}/permissions`, {
      principal_guid: principal,
      principal_type: type,
      role: 'viewer',
    })
  const visit = async (username: string, guid: string): Promise<number> => {
    const { browser } = world.person(username)
    await browser.get(`${world.address}/content/${guid}/`)
    return browser.page.status
  }
  const anonymous = (url: string, cookie?: string) =>
    fetch(url, { redirect: 'manual', headers: { ...(cookie !== undefined && { cookie }) } })

  it('CONTENT-13 a permission lets a viewer in, and its end keeps them and their tokens out', async () => {
    const integration = await world.makeIntegration(aliceKey)
    const guid = await makeContent('by-name')
    await world.associate(priyaKey, guid, [integration])
    expect(await visit('vera', guid)).toBe(403)
    const { id } = await permit(guid, vera)
    await world.person('vera').consent(guid)
    const token = world.probe.tokenOf('vera')
    expect((await world.exchange(priyaKey, token)).status).toBe(200)

    await world.call(priyaKey, 'DELETE', `/v1/content/${guid}/permissions/${id}`)
    await eventually(async () => (await world.exchange(priyaKey, token)).code === 19, WITHIN)
    await eventually(async () => (await visit('vera', guid)) === 403, WITHIN)
  })

  it('GRP-12 a group lets its members in; removed, it is on no list and nobody gets in by it', async () => {
    const guid = await makeContent('by-group')
    const group = await world.call<{ guid: string }>(aliceKey, 'POST', '/v1/groups', { name: 'readers of one item' })
    await world.call(aliceKey, 'POST', `/v1/groups/${group.guid}/members`, { user_guid: vera })
    await permit(guid, group.guid, 'group')
    await eventually(async () => (await visit('vera', guid)) === 200, WITHIN)
    expect(await visit('victor', guid)).toBe(403)
    const seen = async () =>
      (await world.person('vera').api<{ guid: string }[]>('GET', '/v1/content')).map((each) => each.guid)
    expect(await seen()).toContain(guid)

    await world.call(aliceKey, 'DELETE', `/v1/groups/${group.guid}`)
    await eventually(async () => (await visit('vera', guid)) === 403, WITHIN)
    await eventually(async () => !(await seen()).includes(guid), WITHIN)
    await eventually(async () => {
      const { rows } = await world.house
        .pool('integrations')
        .query('select from permission where content_guid = $1', [guid])
      return rows.length === 0
    }, WITHIN)
  })

  it('CONTENT-08 CONTENT-10 a share link lets anybody in as nobody, until it is revoked; no log has seen it', async () => {
    const guid = await makeContent('by-link')
    const { url, guid: link } = await world.call<{ url: string; guid: string }>(
      priyaKey,
      'POST',
      `/v1/content/${guid}/share-links`,
      {},
    )
    const followed = await eventually(async () => {
      const answer = await anonymous(url)
      return answer.headers.has('set-cookie') && answer
    }, WITHIN)
    expect(followed.headers.get('location')).toBe(`/content/${guid}/`)
    const cookie = followed.headers.get('set-cookie')!.split(';')[0]!
    const clean = `${world.address}/content/${guid}/`
    expect((await anonymous(clean, cookie)).status).toBe(200)
    const { [USER_SESSION_TOKEN_HEADER]: token, [CREDENTIALS_HEADER]: who } = world.probe.requests.at(-1)!
    expect([token, who]).toEqual([undefined, undefined])

    // Somebody whom the list does not admit is nobody too, with their session.
    await world.person('victor').browser.get(url)
    expect(world.person('victor').browser.page).toMatchObject({ status: 200 })
    expect(world.probe.requests.at(-1)).not.toHaveProperty(USER_SESSION_TOKEN_HEADER)

    await world.call(priyaKey, 'DELETE', `/v1/content/${guid}/share-links/${link}`)
    await eventually(async () => (await anonymous(clean, cookie)).status === 302, WITHIN)
    const secret = url.split('=').at(-1)!
    for (const log of readdirSync(path.join(world.house.data, 'log'))) {
      expect(readFileSync(path.join(world.house.data, 'log', log), 'utf8')).not.toContain(secret)
    }
  })

  it('CONTENT-07 CONTENT-09 content for everybody is open to anonymous visitors, until it is locked', async () => {
    const guid = await makeContent('for-all', 'all')
    const status = async () => (await anonymous(`${world.address}/content/${guid}/`)).status
    await eventually(async () => (await status()) === 200, WITHIN)
    expect(world.probe.requests.at(-1)).not.toHaveProperty(USER_SESSION_TOKEN_HEADER)
    const lock = (body: object) => world.call(priyaKey, 'PATCH', `/v1/content/${guid}`, body)
    await lock({ locked: true, locked_message: 'Back on Monday' })
    await eventually(async () => (await status()) === 403, WITHIN)
    expect(await (await anonymous(`${world.address}/content/${guid}/`)).text()).toContain('Back on Monday')
    await lock({ locked: false })
    await eventually(async () => (await status()) === 200, WITHIN)
  })

  it('session tokens of content die with it', async () => {
    const integration = await world.makeIntegration(aliceKey)
    const guid = await makeContent('short-lived', 'logged_in')
    await world.associate(priyaKey, guid, [integration])
    await world.person('vera').consent(guid)
    const token = world.probe.tokenOf('vera')
    expect((await world.exchange(priyaKey, token)).status).toBe(200)
    await world.call(priyaKey, 'DELETE', `/v1/content/${guid}`)
    await eventually(async () => (await world.exchange(priyaKey, token)).code === 22, WITHIN)
    await eventually(async () => (await visit('vera', guid)) === 404, WITHIN)
  })
})
