import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import type { Actor, Role, UserState } from '#libs/contracts'
import {
  eventually,
  freshDatabase,
  natsUrl,
  serviceUnderTest,
  type FreshDatabase,
  type ServiceUnderTest,
  type TestRequest,
} from '#libs/testing'
import { AppModule } from '../app.module.js'
import { INTEGRATIONS_SETTINGS } from '../config.js'
import { FakeIdentity } from '../replica/people.conformance.js'
import { PermissionQueries } from './permission.queries.js'

const CONTENT = '/__api__/v1/content'

let database: FreshDatabase
let pool: Pool
let identity: FakeIdentity
let service: ServiceUnderTest

beforeAll(async () => {
  database = await freshDatabase('integrations')
  pool = database.pool()
  identity = new FakeIdentity()
  service = await serviceUnderTest({
    name: 'integrations',
    module: AppModule,
    settings: INTEGRATIONS_SETTINGS,
    databaseUrl: database.url,
    natsUrl: natsUrl(),
    deployment: { urls: { identity: [await identity.start()] } },
  })
})
afterAll(async () => {
  await service?.close()
  await identity?.stop()
  await database?.drop()
})
beforeEach(() => {
  identity.isDown = false
  identity.refresh(service.app)
})

const acting = ({ guid, user_role }: UserState, role: Role = user_role): Actor => ({
  type: 'key',
  guid: randomUUID(),
  user: guid,
  role,
})
const publisher = () => identity.user({ user_role: 'publisher' })

const send = (method: TestRequest['method'], path: string, actor: Actor | undefined, body?: unknown, headers = {}) =>
  service.request({ method: method!, path, ...(actor && { actor }), ...(body !== undefined && { body }), headers })
const get = (path: string, actor: Actor) => send('GET', path, actor)

interface View {
  guid: string
  id: string
  name: string
  app_role: string
  owner_guid: string
}
async function content(owner: UserState, body: object = {}): Promise<View> {
  const answer = await send('POST', CONTENT, acting(owner), body)
  expect(answer.status).toBe(200)
  return answer.json<View>()
}
const permit = (guid: string, by: UserState, principal: string, role = 'viewer', type = 'user') =>
  send('POST', `${CONTENT}/${guid}/permissions`, acting(by), {
    principal_guid: principal,
    principal_type: type,
    role,
  })
const permissionsOf = async (guid: string, owner: UserState) =>
  (await get(`${CONTENT}/${guid}/permissions`, acting(owner))).json<
    { id: string; principal_guid: string; role: string }[]
  >()
const published = async (guid: string) =>
  (await service.request({ path: `/internal/published/content/${guid}`, caller: 'gateway' })).json<{
    state: { permissions: object[]; share_links: { token_hash: string }[]; locked: boolean } | null
  }>().state

describe('what each of these people may do with content of an owner', () => {
  // 200 and the like: done; 403: not theirs to do; 404: it does not exist for them; 401: nobody known.
  const columns = ['read', 'listed', 'change', 'lock', 'give', 'permissions', 'permit', 'share', 'integrate', 'delete']
  const everything = [200, 1, 200, 200, 200, 200, 200, 200, 204, 204]
  const editing = [200, 1, 200, 403, 403, 200, 200, 200, 204, 204]
  const reading = [200, 1, 403, 403, 403, 403, 403, 403, 403, 403]
  const nothing = [404, 0, 404, 404, 404, 404, 404, 404, 404, 404]
  const nothingAsViewer = [404, 0, 403, 403, 403, 403, 403, 403, 403, 403]

  /** Which access type, which role, and what they have on the item. */
  it.each<[string, { access?: string; role: Role; has?: 'owner' | 'viewer'; by?: 'user' | 'group' }, number[]]>([
    ['an administrator', { role: 'administrator' }, everything],
    ['a collaborator', { role: 'publisher', has: 'owner' }, editing],
    ['a collaborator by group', { role: 'publisher', has: 'owner', by: 'group' }, editing],
    ['a collaborator who is a viewer now', { role: 'viewer', has: 'owner', by: 'group' }, reading],
    ['a publisher who may view', { role: 'publisher', has: 'viewer' }, reading],
    ['a publisher who may view by group', { role: 'publisher', has: 'viewer', by: 'group' }, reading],
    ['a viewer who is listed', { role: 'viewer', has: 'viewer' }, reading],
    ['a publisher who is not listed', { role: 'publisher' }, nothing],
    ['a viewer who is not listed', { role: 'viewer' }, nothingAsViewer],
    ['a publisher, of content for all who log in', { access: 'logged_in', role: 'publisher' }, reading],
    ['a viewer, of content for everybody', { access: 'all', role: 'viewer' }, reading],
  ])('D01 D02 D04 D08: %s', async (_, { access = 'acl', role, has, by = 'user' }, expected) => {
    const [owner, other] = [await publisher(), await publisher()]
    const group = await identity.group()
    const somebody = await identity.user({ user_role: role, group_guids: [group.guid] })
    const { guid } = await content(owner, { access_type: access })
    if (has) expect((await permit(guid, owner, by === 'user' ? somebody.guid : group.guid, has, by)).status).toBe(200)
    const actor = acting(somebody)
    const path = `${CONTENT}/${guid}`
    const statusOf = async (method: TestRequest['method'], to: string, body?: unknown) =>
      (await send(method, to, actor, body)).status
    const listed = (await get(CONTENT, actor)).json<View[]>().filter((each) => each.guid === guid)
    const got = [
      await statusOf('GET', path),
      listed.length,
      await statusOf('PATCH', path, { title: 'Sales' }),
      await statusOf('PATCH', path, { locked: true }),
      await statusOf('PATCH', path, { owner_guid: other.guid }),
      await statusOf('GET', `${path}/permissions`),
      await statusOf('POST', `${path}/permissions`, {
        principal_guid: group.guid,
        principal_type: 'group',
        role: has ?? 'viewer',
      }),
      await statusOf('POST', `${path}/share-links`, {}),
      await statusOf('PUT', `${path}/oauth/integrations/associations`, []),
      await statusOf('DELETE', path),
    ]
    expect(Object.fromEntries(columns.map((name, at) => [name, got[at]]))).toEqual(
      Object.fromEntries(columns.map((name, at) => [name, expected[at]])),
    )
  })

  it('D01 somebody unknown', async () => {
    const owner = await publisher()
    const { guid } = await content(owner, { access_type: 'all' })
    for (const [method, path] of [
      ['GET', CONTENT],
      ['GET', `${CONTENT}/${guid}`],
      ['GET', `${CONTENT}/${guid}/permissions`],
      ['POST', `${CONTENT}/${guid}/share-links`],
    ] as const) {
      expect((await send(method, path, undefined)).status).toBe(401)
    }
  })

  it('D11 an owner with a key of a lower role only reads', async () => {
    const owner = await publisher()
    const { guid } = await content(owner)
    const actor = acting(owner, 'viewer')
    expect((await get(`${CONTENT}/${guid}`, actor)).json()).toMatchObject({ app_role: 'owner' })
    expect((await send('PATCH', `${CONTENT}/${guid}`, actor, { title: 'Sales' })).status).toBe(403)
  })

  it('says what the caller is to each item, in the list as alone', async () => {
    const [owner, collaborator] = [await publisher(), await publisher()]
    const { guid } = await content(owner)
    await permit(guid, owner, collaborator.guid, 'owner')
    for (const [somebody, role] of [
      [owner, 'owner'],
      [collaborator, 'editor'],
    ] as const) {
      const alone = (await get(`${CONTENT}/${guid}`, acting(somebody))).json<View>()
      expect(alone.app_role).toBe(role)
      const list = (await get(`${CONTENT}?owner_guid=${owner.guid}`, acting(somebody))).json<View[]>()
      expect(list).toEqual([alone])
    }
  })
})

describe('a permission', () => {
  it('is given again to change its role, and stays the same entry', async () => {
    const [owner, somebody] = [await publisher(), await publisher()]
    const { guid } = await content(owner)
    const first = (await permit(guid, owner, somebody.guid)).json()
    expect(first).toEqual({
      id: expect.stringMatching(/^\d+$/) as string,
      content_guid: guid,
      principal_guid: somebody.guid,
      principal_type: 'user',
      role: 'viewer',
    })
    expect((await permit(guid, owner, somebody.guid)).json()).toEqual(first)
    const second = { ...first, role: 'owner' }
    expect((await permit(guid, owner, somebody.guid, 'owner')).json()).toEqual(second)
    const path = `${CONTENT}/${guid}/permissions`
    expect((await get(path, acting(owner))).json()).toEqual([second])
    expect((await get(`${path}/${first['id'] as string}`, acting(owner))).json()).toEqual(second)
    const put = await send('PUT', `${path}/${first['id'] as string}`, acting(owner), { role: 'viewer' })
    expect([put.status, put.json()]).toEqual([200, first])
    expect(await published(guid)).toMatchObject({
      permissions: [{ principal_guid: somebody.guid, principal_type: 'user', role: 'viewer' }],
    })
    expect((await send('DELETE', `${path}/${first['id'] as string}`, acting(owner))).status).toBe(204)
    expect(await permissionsOf(guid, owner)).toEqual([])
    expect((await get(`${path}/${first['id'] as string}`, acting(owner))).json()).toMatchObject({ code: 4 })
  })

  it.each([
    ['nobody known', { principal_guid: '00000000-0000-4000-8000-000000000009' }, 404, 9],
    ['no group', { principal_guid: '00000000-0000-4000-8000-000000000009', principal_type: 'group' }, 404, 153],
    ['another kind of principal', { principal_type: 'service' }, 400, 152],
    ['another role', { role: 'canary' }, 400, 112],
    ['no guid', { principal_guid: 'canary' }, 400, 25],
    ['nothing', { principal_guid: undefined }, 400, 25],
    ['a collaborator who cannot publish', { role: 'owner' }, 403, 33],
  ])('is refused for %s', async (_, change, status, code) => {
    const [owner, viewer] = [await publisher(), await identity.user()]
    const { guid } = await content(owner)
    const body = { principal_guid: viewer.guid, principal_type: 'user', role: 'viewer', ...change }
    const answer = await send('POST', `${CONTENT}/${guid}/permissions`, acting(owner), body)
    expect([answer.status, answer.json()['code']]).toEqual([status, code])
    expect(answer.text).not.toContain('canary')
    expect(await permissionsOf(guid, owner)).toEqual([])
  })

  it('is refused to the owner, who has everything', async () => {
    const owner = await publisher()
    const { guid } = await content(owner)
    const answer = await permit(guid, owner, owner.guid)
    expect([answer.status, answer.json()['code']]).toEqual([400, 34])
  })

  it('is given to somebody of whom nothing has been heard yet, once identity has said who they are', async () => {
    const owner = await publisher()
    const { guid } = await content(owner)
    const late = await identity.user({}, { told: false })
    expect((await permit(guid, owner, late.guid)).status).toBe(200)
    expect(identity.asked).toContain(late.guid)
    identity.isDown = true
    expect((await permit(guid, owner, randomUUID())).status).toBe(503)
  })

  it('is one, however many give it at once', async () => {
    const [owner, somebody] = [await publisher(), await publisher()]
    const { guid } = await content(owner)
    const roles = Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? 'viewer' : 'owner'))
    const answers = await Promise.all(roles.map((role) => permit(guid, owner, somebody.guid, role)))
    expect(new Set(answers.map((answer) => `${answer.status} ${answer.json<{ id: string }>().id}`)).size).toBe(1)
    const [only, ...others] = await permissionsOf(guid, owner)
    expect(others).toEqual([])
    expect(await published(guid)).toMatchObject({ permissions: [{ role: only!.role }] })
  })

  it('CONTENT-13 lets somebody see the content, and its end takes that away', async () => {
    const [owner, viewer] = [await publisher(), await identity.user()]
    const { guid } = await content(owner)
    const see = async () => (await get(`${CONTENT}/${guid}`, acting(viewer))).status
    expect(await see()).toBe(404)
    const { id } = (await permit(guid, owner, viewer.guid)).json<{ id: string }>()
    expect(await see()).toBe(200)
    await send('DELETE', `${CONTENT}/${guid}/permissions/${id}`, acting(owner))
    expect(await see()).toBe(404)
  })

  it('GRP-12 GRP-45 of a group ends with the group: its members are out at once, and no content lists it', async () => {
    const [owner, group] = [await publisher(), await identity.group()]
    const member = await identity.user({ group_guids: [group.guid] })
    const items = [await content(owner), await content(owner)]
    for (const { guid } of items) expect((await permit(guid, owner, group.guid, 'viewer', 'group')).status).toBe(200)
    expect((await get(CONTENT, acting(member))).json<View[]>().map(({ guid }) => guid)).toEqual(
      expect.arrayContaining(items.map(({ guid }) => guid)),
    )
    await identity.delete('group', group.guid)
    for (const { guid } of items) {
      expect((await get(`${CONTENT}/${guid}`, acting(member))).status).toBe(404)
      expect(await permissionsOf(guid, owner)).toEqual([])
      await eventually(async () => (await published(guid))!.permissions.length === 0)
    }
  })

  it('R03 of a group that was deleted while nobody could write down what follows is found by the next sweep', async () => {
    const [owner, group] = [await publisher(), await identity.group()]
    const { guid } = await content(owner)
    await permit(guid, owner, group.guid, 'viewer', 'group')
    await pool.query('update replica set state = null where guid = $1', [group.guid])
    expect(await service.app.get(PermissionQueries).deletedPrincipals()).toEqual([group.guid])
    expect(await permissionsOf(guid, owner)).toEqual([])
  })

  it('of somebody who is deleted ends with them', async () => {
    const [owner, somebody] = [await publisher(), await identity.user()]
    const { guid } = await content(owner)
    await permit(guid, owner, somebody.guid)
    await identity.delete('user', somebody.guid)
    await eventually(async () => (await published(guid))!.permissions.length === 0)
    const { rows } = await pool.query<{ meta: string }>(
      `select meta from log.event where type = 'PermissionRevoked'
      and stream_id = 'content-' || $1`,
      [guid],
    )
    expect(JSON.parse(rows[0]!.meta)).toMatchObject({ actor: { type: 'service', name: 'integrations' } })
  })
})

describe('the owner of content', () => {
  const give = (guid: string, by: UserState, to: string, more = {}) =>
    send('PATCH', `${CONTENT}/${guid}`, acting(by), { owner_guid: to, ...more })

  it('can be another, whose own entry disappears; the former one is as everybody else', async () => {
    const [owner, next] = [await publisher(), await publisher()]
    const { guid } = await content(owner)
    await permit(guid, owner, next.guid, 'owner')
    const answer = await give(guid, owner, next.guid)
    expect([answer.status, answer.json()]).toEqual([
      200,
      expect.objectContaining({ owner_guid: next.guid, app_role: 'none' }),
    ])
    expect(await permissionsOf(guid, next)).toEqual([])
    expect((await get(`${CONTENT}/${guid}`, acting(owner))).status).toBe(404)
    expect((await get(`${CONTENT}/${guid}?include=owner`, acting(next))).json()).toMatchObject({
      app_role: 'owner',
      owner: { guid: next.guid, username: next.username, first_name: 'Vera', last_name: 'Lindqvist' },
    })
  })

  it('shows the former one nothing more, however often they repeat what they once did', async () => {
    const [owner, next] = [await publisher(), await publisher()]
    const actor = acting(owner)
    const repeat = (key: string) => ({ 'idempotency-key': key })
    const register = () => send('POST', CONTENT, actor, {}, repeat('register'))
    const { guid } = (await register()).json<View>()
    const change = (key: string, body: object) => send('PATCH', `${CONTENT}/${guid}`, actor, body, repeat(key))
    expect((await change('name', { title: 'Sales' })).status).toBe(200)
    expect((await change('give', { owner_guid: next.guid })).status).toBe(200)
    const repeated = [await register(), await change('name', { title: 'Sales' })]
    expect(repeated.map(({ status }) => status)).toEqual([404, 404])
  })

  it('is none who cannot publish, nor somebody unknown', async () => {
    const [owner, viewer] = [await publisher(), await identity.user()]
    const { guid } = await content(owner)
    expect((await give(guid, owner, viewer.guid)).json()).toMatchObject({ code: 156 })
    expect((await give(guid, owner, randomUUID())).json()).toMatchObject({ code: 9 })
  })

  it('has no two items of one name, whichever way the second comes', async () => {
    const [owner, next] = [await publisher(), await publisher()]
    const { guid } = await content(owner, { name: 'sales' })
    await content(next, { name: 'sales' })
    expect((await give(guid, owner, next.guid)).json()).toMatchObject({ code: 26 })
    expect((await get(`${CONTENT}/${guid}`, acting(owner))).json()).toMatchObject({ owner_guid: owner.guid })
    expect((await give(guid, owner, next.guid, { name: 'sales-too' })).status).toBe(200)
    await content(owner, { name: 'sales' })
  })
})

describe('content', () => {
  it('is answered alike by POST, GET, the list and an empty PATCH, with every field of the contract', async () => {
    const owner = await publisher()
    const settings = { max_processes: 3, load_factor: 0.5, memory_limit: 4_000_000_000, cpu_request: null }
    const posted = await content(owner, { name: 'limits', title: 'Limits', ...settings, unknown_field: 1 })
    expect(posted).toMatchObject({ ...settings, run_as_current_user: false, min_processes: null, bundle_id: null })
    const path = `${CONTENT}/${posted.guid}`
    expect((await get(path, acting(owner))).json()).toEqual(posted)
    expect((await get(`${CONTENT}?name=limits&owner_guid=${owner.guid}`, acting(owner))).json()).toEqual([posted])
    expect((await send('PATCH', path, acting(owner), {})).json()).toEqual(posted)
    expect((await get(`${path}?include=tags,vanity_url,bookmarked`, acting(owner))).json()).toEqual(posted)
    expect(Object.keys(posted).sort()).toEqual([...FIELDS].sort())
  })

  it('keeps what is said of how to run it, and takes it back', async () => {
    const owner = await publisher()
    const { guid } = await content(owner, { max_processes: 3 })
    const changed = await send('PATCH', `${CONTENT}/${guid}`, acting(owner), { max_processes: null, idle_timeout: 5 })
    expect(changed.json()).toMatchObject({ max_processes: null, idle_timeout: 5 })
  })

  it.each([
    [{ max_processes: '3' }, 25],
    [{ max_processes: -1 }, 25],
    [{ max_processes: 1.5 }, 25],
    [{ memory_limit: 2 ** 53 }, 25],
    [{ run_as_current_user: null }, 25],
    [{ owner_guid: 'canary' }, 25],
    [{ owner_guid: null }, 25],
    [{ locked: 'true' }, 25],
    [{ locked_message: 'x'.repeat(1025) }, 224],
    [{ description: 'x'.repeat(4097) }, 123],
    [{ name: 'x' }, 5],
    [{ title: 'x'.repeat(1025) }, 122],
  ])('H07 refuses %j', async (body, code) => {
    const owner = await publisher()
    const { guid } = await content(owner)
    const answer = await send('PATCH', `${CONTENT}/${guid}`, acting(owner), body)
    expect([answer.status, answer.json()['code']]).toEqual([400, code])
  })

  it('is run as somebody only if an administrator says so', async () => {
    const [owner, admin] = [await publisher(), await identity.user({ user_role: 'administrator' })]
    const { guid } = await content(owner)
    const runAs = (who: UserState) => send('PATCH', `${CONTENT}/${guid}`, acting(who), { run_as: 'root' })
    expect((await runAs(owner)).json()).toMatchObject({ code: 22 })
    expect((await send('POST', CONTENT, acting(owner), { run_as: 'root' })).json()).toMatchObject({ code: 22 })
    expect((await runAs(admin)).json()).toMatchObject({ run_as: 'root' })
  })

  it('tells only those who may edit it where and as whom it runs', async () => {
    const [owner, admin] = [await publisher(), await identity.user({ user_role: 'administrator' })]
    const { guid } = await content(owner, { access_type: 'logged_in' })
    const told = { upstream_url: 'http://my_app:8501/', run_as: 'shiny' }
    expect((await send('PATCH', `${CONTENT}/${guid}`, acting(admin), told)).json()).toMatchObject(told)
    expect((await get(`${CONTENT}/${guid}`, acting(owner))).json()).toMatchObject(told)
    const [viewer, other] = [await identity.user({}), await publisher()]
    for (const who of [viewer, other]) {
      const hidden = { upstream_url: null, run_as: null }
      expect((await get(`${CONTENT}/${guid}`, acting(who))).json()).toMatchObject({ ...hidden, app_role: 'viewer' })
      const [listed] = (await get(`${CONTENT}?owner_guid=${owner.guid}`, acting(who))).json<object[]>()
      expect(listed).toMatchObject(hidden)
    }
  })

  it('keeps its owner only while that is one who may own content', async () => {
    const [owner, admin] = [await publisher(), await identity.user({ user_role: 'administrator' })]
    const { guid } = await content(owner)
    const keep = () => send('PATCH', `${CONTENT}/${guid}`, acting(admin), { owner_guid: owner.guid })
    expect((await keep()).status).toBe(200)
    await identity.user({ ...owner, user_role: 'viewer' })
    expect((await keep()).json()).toMatchObject({ code: 156 })
  })

  it('refuses an include that it does not know', async () => {
    const owner = await publisher()
    for (const path of [CONTENT, `${CONTENT}/${(await content(owner)).guid}`]) {
      expect((await get(`${path}?include=owner,canary`, acting(owner))).json()).toMatchObject({ code: 161 })
    }
  })

  it('D05 takes no owner, lock or role from the body of its registration', async () => {
    const [owner, other] = [await publisher(), await publisher()]
    const body = {
      owner_guid: other.guid,
      locked: true,
      app_role: 'viewer',
      guid: randomUUID(),
      __proto__: { id: '1' },
    }
    expect(await content(owner, body)).toMatchObject({ owner_guid: owner.guid, locked: false, app_role: 'owner' })
  })

  it('is locked with a message, for everybody, and unlocked', async () => {
    const owner = await publisher()
    const { guid } = await content(owner)
    const lock = (body: object) => send('PATCH', `${CONTENT}/${guid}`, acting(owner), body)
    const locked = await lock({ locked: true, locked_message: 'Back on Monday' })
    expect(locked.json()).toMatchObject({ locked: true, locked_message: 'Back on Monday' })
    expect(await published(guid)).toMatchObject({ locked: true, locked_message: 'Back on Monday' })
    expect((await lock({ locked: false })).json()).toMatchObject({ locked: false, locked_message: '' })
    expect(await published(guid)).toMatchObject({ locked: false })
  })

  it('is unlocked by administrators only, when one of them has locked it', async () => {
    const [owner, admin] = [await publisher(), await identity.user({ user_role: 'administrator' })]
    const { guid } = await content(owner)
    const lock = (who: UserState, body: object) => send('PATCH', `${CONTENT}/${guid}`, acting(who), body)
    expect((await lock(admin, { locked: true, locked_message: 'Ask us' })).json()).toMatchObject({ locked: true })
    for (const body of [{ locked: false }, { locked_message: 'Come in' }]) {
      const answer = await lock(owner, body)
      expect([answer.status, answer.json()]).toMatchObject([
        403,
        { code: 22, error: expect.stringContaining('An administrator has locked this content') as string },
      ])
    }
    expect((await lock(owner, { title: 'Still mine' })).json()).toMatchObject({ locked: true, title: 'Still mine' })
    expect(await published(guid)).toMatchObject({ locked: true, locked_message: 'Ask us' })
    expect((await lock(admin, { locked: false })).json()).toMatchObject({ locked: false, locked_message: '' })
    expect((await lock(owner, { locked: true })).json()).toMatchObject({ locked: true })
    expect((await lock(owner, { locked: false })).json()).toMatchObject({ locked: false })
  })

  it('leaves nothing behind when it is deleted: no access, no links, no name', async () => {
    const [owner, somebody] = [await publisher(), await identity.user()]
    const { guid } = await content(owner, { name: 'gone' })
    await permit(guid, owner, somebody.guid)
    await send('POST', `${CONTENT}/${guid}/share-links`, acting(owner), {})
    expect((await send('DELETE', `${CONTENT}/${guid}`, acting(owner))).status).toBe(204)
    expect(await published(guid)).toBeNull()
    const { rows } = await pool.query(
      `select from permission where content_guid = $1 union all select from share_link where content_guid = $1
       union all select from reserved where holder = $1`,
      [guid],
    )
    expect(rows).toHaveLength(0)
    await content(owner, { name: 'gone' })
  })

  it('names its owner from the copy, asks for one who is missing, and shows the rest when identity is down', async () => {
    const late = await identity.user({ user_role: 'publisher', first_name: 'Late' }, { told: false })
    const { guid } = await content(late)
    const path = `${CONTENT}/${guid}?include=owner`
    identity.isDown = true
    expect((await get(path, acting(late))).json()).toMatchObject({ owner: { guid: late.guid, username: '' } })
  })
})

describe('share links', () => {
  const links = (guid: string) => `${CONTENT}/${guid}/share-links`

  it('are refused an end that is no time', async () => {
    const owner = await publisher()
    const { guid } = await content(owner)
    for (const expires_at of ['2026-12-31T23:59:60Z', '9999-12-31T23:59:59-23:59', '2027-02-30T00:00:00Z']) {
      expect((await send('POST', links(guid), acting(owner), { expires_at })).json()).toMatchObject({ code: 136 })
    }
  })

  it('CONTENT-10 are shown once; only the hash of what opens them is kept', async () => {
    const owner = await publisher()
    const { guid } = await content(owner)
    const answer = await send('POST', links(guid), acting(owner), {})
    const made = answer.json<{ guid: string; url: string }>()
    expect(made).toEqual({
      guid: expect.any(String) as string,
      content_guid: guid,
      created_time: expect.stringMatching(/Z$/) as string,
      expires_at: null,
      url: expect.stringMatching(new RegExp(`/content/${guid}/\\?share_link=[\\w-]{43}$`)) as string,
    })
    const { url, ...shown } = made
    expect((await get(links(guid), acting(owner))).json()).toEqual([shown])
    const token = url.split('=')[1]!
    const { rows } = await pool.query<{ everything: string }>(
      `select string_agg(e::text, '') || (select string_agg(l::text, '') from share_link l) as everything from event e`,
    )
    expect(rows[0]!.everything).not.toContain(token)
    expect((await published(guid))!.share_links).toEqual([
      { guid: made.guid, token_hash: expect.stringMatching(/^[\w-]{43}$/) as string, expires_at: null },
    ])
    expect((await send('DELETE', `${links(guid)}/${made.guid}`, acting(owner))).status).toBe(204)
    expect((await published(guid))!.share_links).toEqual([])
    expect((await send('DELETE', `${links(guid)}/${made.guid}`, acting(owner))).json()).toMatchObject({ code: 4 })
  })

  it('H13 are not shown again to a repeat of the request that made them', async () => {
    const owner = await publisher()
    const { guid } = await content(owner)
    const actor = acting(owner)
    const make = () => send('POST', links(guid), actor, {}, { 'idempotency-key': 'link' })
    expect((await make()).status).toBe(200)
    const repeat = await make()
    expect([repeat.status, repeat.text.includes('share_link=')]).toEqual([409, false])
    expect((await get(links(guid), actor)).json<unknown[]>()).toHaveLength(1)
  })

  it.each([
    ['yesterday', 136],
    ['2026-01-01', 136],
    ['2020-01-01T00:00:00Z', 25],
  ])('H08 do not end at %j', async (expires_at, code) => {
    const owner = await publisher()
    const { guid } = await content(owner)
    expect((await send('POST', links(guid), acting(owner), { expires_at })).json()).toMatchObject({ code })
  })

  it('can end by themselves', async () => {
    const owner = await publisher()
    const { guid } = await content(owner)
    const answer = await send('POST', links(guid), acting(owner), { expires_at: '2126-01-01T01:00:00+01:00' })
    expect(answer.json()).toMatchObject({ expires_at: '2126-01-01T00:00:00Z' })
  })
})

describe('a transfer by the operator', () => {
  it('hands on what the source may do with content of others; the target keeps what is more', async () => {
    const [owner, source, target] = [await publisher(), await publisher(), await publisher()]
    const [one, two, own] = [await content(owner), await content(owner), await content(target)]
    await permit(one.guid, owner, source.guid, 'owner')
    await permit(two.guid, owner, source.guid, 'viewer')
    await permit(two.guid, owner, target.guid, 'owner')
    await permit(own.guid, target, source.guid, 'owner')
    const answer = await service.request({
      method: 'POST',
      path: `/internal/owners/${source.guid}/content-transfer`,
      caller: 'identity',
      actor: { type: 'operator', name: 'ada' },
      body: { target_guid: target.guid },
    })
    expect(answer.json()).toEqual({ content: [] })
    for (const { guid } of [one, two]) {
      expect(await permissionsOf(guid, owner)).toMatchObject([{ principal_guid: target.guid, role: 'owner' }])
    }
    expect(await permissionsOf(own.guid, target)).toEqual([])
  })
})

/** What clients of the API read. */
const FIELDS =
  `guid id name title description access_type locked locked_message connection_timeout read_timeout init_timeout
  idle_timeout max_processes min_processes max_conns_per_process load_factor memory_request memory_limit cpu_request
  cpu_limit amd_gpu_limit nvidia_gpu_limit service_account_name default_image_name environment_guid
  default_environment_guid created_time last_deployed_time bundle_id app_mode content_category parameterized cluster_name
  image_name r_version py_version quarto_version r_environment_management py_environment_management
  default_r_environment_management default_py_environment_management run_as run_as_current_user owner_guid content_url
  dashboard_url app_role upstream_url`.split(/\s+/)
