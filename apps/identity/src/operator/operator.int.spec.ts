import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeJwt } from 'jose'
import type { Pool } from 'pg'
import { freshDatabase, type FreshDatabase, type TestAnswer } from '#libs/testing'
import { identityUnderTest, keyOf, type IdentityUnderTest } from '../identity-under-test.conformance.js'
import { LogIn } from '../login/log-in.js'

const ISSUER = 'http://127.0.0.1:9'
const OAUTH2 = `ClientId = keybearer\nClientSecret = secret\nOpenIDConnectIssuer = ${ISSUER}`
const OPERATOR = '/internal/operator'

interface User {
  readonly guid: string
  readonly username: string
  readonly user_role: string
  readonly locked: boolean
}

/** What integrations is asked, and what it says: it knows content of these owners. It stands for the vault, too. */
class FakeIntegrations {
  readonly owned = new Map<string, { guid: string; name: string }[]>()
  readonly actors: unknown[] = []
  up = true
  readonly #server: Server

  constructor() {
    this.#server = createServer((request, response) => {
      const [, guid = '', what] = /^\/internal\/owners\/([^/]+)\/(content|content-transfer)$/.exec(request.url!) ?? []
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        const content = this.owned.get(guid) ?? []
        if (what === 'content-transfer') {
          this.actors.push(decodeJwt(String(request.headers['keybearer-actor']))['actor'])
          this.owned.delete(guid)
          this.owned.set((JSON.parse(body) as { target_guid: string }).target_guid, content)
        }
        const audit = { complete_until: '9999-01-01T00:00:00.000000Z', entries: [] }
        response.writeHead(this.up ? 200 : 503, { 'content-type': 'application/json' })
        response.end(JSON.stringify(what === undefined ? audit : { content }))
      })
    }).listen(0, '127.0.0.1')
  }

  async url(): Promise<string> {
    if (!this.#server.listening) await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

let integrations: FakeIntegrations
let database: FreshDatabase
let pool: Pool
let service: IdentityUnderTest
let ada: string
let people = 0

beforeAll(async () => {
  integrations = new FakeIntegrations()
  database = await freshDatabase('identity')
  pool = database.pool()
  service = await open('')
  ada = await login('ada')
})
afterAll(async () => {
  await service?.close()
  integrations?.close()
  await database?.drop()
})
beforeEach(() => {
  integrations.up = true
})

const open = async (oauth2: string) =>
  identityUnderTest(database, `${OAUTH2}\n${oauth2}`, {
    urls: { integrations: [await integrations.url()], vault: [await integrations.url()] },
  })

/** Somebody logs in, with a name of the provider's. @returns their guid */
const login = async (sub: string, claims: object = {}, on = service): Promise<string> => {
  const said = { sub, preferred_username: `name-${sub}`, email: `${sub}@example.org`, email_verified: true, ...claims }
  return (await on.app.get(LogIn).run({ issuer: ISSUER, claims: said })).userGuid
}
const somebody = (claims: object = {}) => login(`person-${++people}`, claims)

const ask = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown, on = service) =>
  on.request({ method, path: OPERATOR + path, caller: 'operator', body })
const user = async (guid: string): Promise<User & Record<string, unknown>> => {
  const { users } = (await ask('GET', `/users?include_locked=true&guid=${guid}`)).json<{ users: [User] }>()
  return users[0] as User & Record<string, unknown>
}
const group = async (guid: string) =>
  (await ask('GET', `/groups?guid=${guid}`)).json<{ groups: Record<string, unknown>[] }>().groups[0]
const makeGroup = async (name: string, owner = ada, on = service): Promise<string> =>
  (await on.post('/__api__/v1/groups', keyOf(owner, 'administrator'), { name })).json<{ guid: string }>().guid
const publisher = async (): Promise<string> => {
  const guid = await somebody()
  await ask('PATCH', `/users/${guid}`, { user_role: 'publisher' })
  return guid
}
const refused = (answer: TestAnswer) => [answer.status, answer.headers['keybearer-error']]

/** Types of a stream's events that the operator has made, oldest first. */
async function eventsOf(category: string, guid: string): Promise<string[]> {
  const { rows } = await pool.query<{ type: string; meta: string }>(
    'select type, meta from log.event where stream_id = $1 order by version',
    [`${category}-${guid}`],
  )
  const byOperator = rows.filter(
    ({ meta }) => (JSON.parse(meta) as { actor: { type: string } }).actor.type === 'operator',
  )
  for (const { meta } of byOperator)
    expect(JSON.parse(meta)).toMatchObject({ actor: { type: 'operator', name: 'spec' } })
  return byOperator.map(({ type }) => type)
}

describe('what the operator sees', () => {
  it('CLI-01 is all users, and without locked ones unless they are wanted', async () => {
    const vera = await somebody({ given_name: 'Vera', family_name: 'Viewer' })
    await ask('PATCH', `/users/${vera}`, { locked: true })
    const seen = async (query: string) =>
      (await ask('GET', `/users${query}`)).json<{ users: User[]; next: null }>().users.map(({ guid }) => guid)
    expect(await seen('')).toContain(ada)
    expect(await seen('')).not.toContain(vera)
    expect(await seen('?include_locked=true')).toEqual(expect.arrayContaining([ada, vera]))
    const { username } = await user(vera)
    expect(await seen(`?include_locked=true&username=${username.toUpperCase()}`)).toEqual([vera])
    expect(await user(vera)).toMatchObject({ unique_id: `person-${people}`, user_role: 'viewer', locked: true })
  })

  it('CLI-01 is all groups with their owners and the number of members', async () => {
    const guid = await makeGroup('Seen')
    const { username } = await user(ada)
    expect(await group(guid)).toEqual({
      guid,
      name: 'Seen',
      unique_id: null,
      owner_guid: ada,
      owner: username,
      members: 0,
    })
  })

  it('is seen by nobody else', async () => {
    const admin = keyOf(ada, 'administrator')
    for (const answer of [
      await service.get(`${OPERATOR}/users`, admin),
      await service.request({ path: `${OPERATOR}/users`, caller: 'vault' }),
      await service.request({ path: `${OPERATOR}/users`, caller: 'vault', actor: { type: 'operator', name: 'x' } }),
      await service.request({ path: '/__api__/v1/users', caller: 'operator' }),
    ]) {
      expect(refused(answer)[0]).toBe(403)
    }
  })
})

describe('altering a user', () => {
  it('CLI-02 CLI-07 ID-28 sets a field that is the provider’s, and the next login sets it again', async () => {
    const guid = await somebody({ given_name: 'Vera' })
    const changes = { first_name: 'Victor', last_name: 'Vole', email: 'v@example.org', username: 'someone' }
    const answer = await ask('PATCH', `/users/${guid}`, changes)
    expect([answer.status, answer.json()]).toEqual([200, expect.objectContaining(changes)])
    expect(await eventsOf('user', guid)).toEqual(['ProfileChanged'])
    await login(`person-${people}`, { given_name: 'Vera' })
    expect(await user(guid)).toMatchObject({ first_name: 'Vera', username: `name-person-${people}` })
  })

  it('PROV-10 ties the user to another unique id, which alone is matched from then on', async () => {
    const guid = await somebody()
    const [former, next] = [`person-${people}`, `moved-${people}`]
    expect((await ask('PATCH', `/users/${guid}`, { unique_id: next })).json()).toMatchObject({ unique_id: next })
    expect(await login(next)).toBe(guid)
    expect(await login(former)).not.toBe(guid)
    expect(refused(await ask('PATCH', `/users/${guid}`, { unique_id: former }))[1]).toBe('user.provider_id_taken')
  })

  it('CLI-07 gives a role, and says that it was the operator', async () => {
    const guid = await somebody()
    await ask('PATCH', `/users/${guid}`, { user_role: 'publisher', locked: true })
    expect(await user(guid)).toMatchObject({ user_role: 'publisher', locked: true })
    expect(await eventsOf('user', guid)).toEqual(['RoleAssigned', 'UserLocked'])
    await ask('PATCH', `/users/${guid}`, { user_role: 'publisher', locked: true })
    expect(await eventsOf('user', guid)).toHaveLength(2)
  })

  it('keeps one administrator, unless it is forced', async () => {
    const code = 'user.last_administrator'
    expect(refused(await ask('PATCH', `/users/${ada}`, { user_role: 'viewer' }))).toEqual([400, code])
    expect(refused(await ask('PATCH', `/users/${ada}`, { locked: true }))).toEqual([400, code])
    expect((await ask('PATCH', `/users/${ada}`, { user_role: 'viewer', force: true })).status).toBe(200)
    expect((await ask('PATCH', `/users/${ada}`, { user_role: 'administrator' })).status).toBe(200)
  })

  it('is done once, however often one request comes', async () => {
    const guid = await somebody()
    const again = () =>
      service.request({
        method: 'PATCH',
        path: `${OPERATOR}/users/${guid}`,
        caller: 'operator',
        body: { first_name: 'Once', locked: true },
        headers: { 'idempotency-key': 'one' },
      })
    expect([(await again()).status, (await again()).status]).toEqual([200, 200])
    expect(await eventsOf('user', guid)).toEqual(['ProfileChanged', 'UserLocked'])
  })

  it.each([
    [{ user_role: 'god' }, 'role.unknown'],
    [{ unique_id: '' }, 'user.unique_id_blank'],
    [{ unique_id: 'x'.repeat(256) }, 'user.unique_id_blank'],
    [{ unique_id: 'a\u0007' }, 'user.unique_id_blank'],
    [{ unique_id: ' ' }, 'user.unique_id_blank'],
    [{ username: 'ada\u202e' }, 'user.username_invalid'],
    [{ first_name: 'Ada\u202e' }, 'request.parameter_invalid'],
    [{ last_name: 'x'.repeat(256) }, 'request.parameter_invalid'],
    [{ email: 'nobody' }, 'user.email_invalid'],
    [{ username: 'settings' }, 'user.username_prohibited'],
    [{ locked: null }, 'request.parameter_invalid'],
  ])('refuses %j', async (body, code) => {
    expect(refused(await ask('PATCH', `/users/${ada}`, body))).toEqual([400, code])
  })
})

describe('altering a group', () => {
  it('CLI-04 CLI-05 CLI-07 GRP-20 sets and drops the owner, in every mode', async () => {
    const guid = await makeGroup('Owned')
    const paula = await publisher()
    const { username } = await user(paula)
    const given = await ask('PATCH', `/groups/${guid}`, { owner_guid: paula })
    expect(given.json()).toMatchObject({ owner_guid: paula, owner: username })
    expect((await ask('PATCH', `/groups/${guid}`, { owner_guid: null })).json()).toMatchObject({ owner_guid: null })
    expect(await eventsOf('group', guid)).toEqual(['GroupOwnerChanged', 'GroupOwnerChanged'])
  })

  it('gives a name and a unique id', async () => {
    const guid = await makeGroup('Old name')
    const changed = await ask('PATCH', `/groups/${guid}`, { name: 'New name', unique_id: 'g-1' })
    expect(changed.json()).toMatchObject({ name: 'New name', unique_id: 'g-1' })
    expect(refused(await ask('PATCH', `/groups/${await makeGroup('Other')}`, { name: 'New name' }))).toEqual([
      409,
      'group.name_taken',
    ])
  })

  it('CLI-03 CLI-07 GRP-17 GRP-23 removes one', async () => {
    const guid = await makeGroup('Stale')
    expect((await ask('DELETE', `/groups/${guid}`)).status).toBe(204)
    expect(await group(guid)).toBeUndefined()
    expect(await eventsOf('group', guid)).toEqual(['GroupDeleted'])
    expect(refused(await ask('DELETE', `/groups/${guid}`))).toEqual([404, 'group.not_found'])
  })
})

describe('deleting a user', () => {
  it('CLI-07 erases who they were, and lets others have their names', async () => {
    const guid = await somebody({ given_name: 'Erasmus' })
    const sub = `person-${people}`
    expect((await ask('DELETE', `/users/${guid}`)).status).toBe(204)
    expect(await user(guid)).toBeUndefined()
    for (const left of ['select 1 from profile where user_guid = $1', 'select 1 from reserved where holder = $1']) {
      expect((await pool.query(left, [guid])).rowCount).toBe(0)
    }
    expect(await eventsOf('user', guid)).toEqual(['UserDeleted'])
    const again = await login(sub)
    expect(again).not.toBe(guid)
  })

  it('is refused while they own content, or a group', async () => {
    const guid = await publisher()
    integrations.owned.set(guid, [{ guid: 'c', name: 'sales' }])
    const answer = await ask('DELETE', `/users/${guid}`)
    expect(refused(answer)).toEqual([409, 'user.owns_content'])
    // Which they are, not what they and their owner are called: refusals are logged.
    expect(answer.json()).toMatchObject({
      error: expect.stringContaining('(1)') as string,
      payload: { content: ['c'] },
    })
    expect(answer.text).not.toMatch(/sales|name-person/)
    integrations.owned.delete(guid)
    const team = await makeGroup(`Of ${guid}`)
    await ask('PATCH', `/groups/${team}`, { owner_guid: guid })
    expect(refused(await ask('DELETE', `/users/${guid}`))).toEqual([409, 'user.owns_groups'])
    await ask('DELETE', `/groups/${team}`)
    expect((await ask('DELETE', `/users/${guid}`)).status).toBe(204)
  })

  it('waits until integrations can say what they own', async () => {
    const guid = await somebody()
    integrations.up = false
    expect((await ask('DELETE', `/users/${guid}`)).status).toBe(503)
    expect((await user(guid)).guid).toBe(guid)
  })
})

describe('transferring', () => {
  it('CLI-07 gives content, groups and memberships to another, and nothing the second time', async () => {
    const [source, target] = [await publisher(), await publisher()]
    const [owned, joined] = [await makeGroup(`Owned by ${source}`), await makeGroup(`Joined by ${source}`)]
    await ask('PATCH', `/groups/${owned}`, { owner_guid: source })
    await service.post(`/__api__/v1/groups/${joined}/members`, keyOf(ada, 'administrator'), { user_guid: source })
    integrations.owned.set(source, [{ guid: 'c', name: 'sales' }])

    const transfer = () => ask('POST', `/users/${source}/transfer`, { target_guid: target })
    const first = await transfer()
    expect([first.status, first.json()]).toEqual([
      200,
      {
        content: [{ guid: 'c', name: 'sales' }],
        groups: [{ guid: owned, name: `Owned by ${source}` }],
        memberships: [{ guid: joined, name: `Joined by ${source}` }],
      },
    ])
    expect(integrations.owned.get(target)).toHaveLength(1)
    expect(integrations.actors.at(-1)).toEqual({ type: 'operator', name: 'spec' })
    expect((await group(owned))!['owner_guid']).toBe(target)
    const members = await pool.query<{ user_guid: string }>('select user_guid from membership where group_guid = $1', [
      joined,
    ])
    expect(members.rows).toEqual([{ user_guid: target }])

    expect((await transfer()).json()).toEqual({ content: [], groups: [], memberships: [] })
    expect((await ask('DELETE', `/users/${source}`)).status).toBe(204)
  })

  it('gives nothing to a viewer that only publishers can own', async () => {
    const [source, target] = [await publisher(), await somebody()]
    integrations.owned.set(source, [{ guid: 'c', name: 'sales' }])
    const answer = await ask('POST', `/users/${source}/transfer`, { target_guid: target })
    expect(refused(answer)).toEqual([403, 'content.owner_cannot_publish'])
    expect(integrations.owned.get(source)).toHaveLength(1)
  })

  it('needs two people', async () => {
    const guid = await somebody()
    const nobody = '00000000-0000-4000-8000-00000000dead'
    expect((await ask('POST', `/users/${guid}/transfer`, { target_guid: nobody })).status).toBe(404)
    expect((await ask('POST', `/users/${guid}/transfer`, { target_guid: guid })).status).toBe(400)
  })
})

describe('the audit log at the shell', () => {
  const audit = async (query: string) =>
    (await ask('GET', `/audit-logs${query}`)).json<{ results: Record<string, unknown>[]; next: string | null }>()

  it('CLI-07 shows what the operator has done, and page after page all the rest', async () => {
    const since = new Date().toISOString()
    const guid = await somebody()
    await ask('PATCH', `/users/${guid}`, { locked: true })
    const { results, next } = await audit(`?since=${since}`)
    expect(next).toBeNull()
    expect(results.at(-1)).toMatchObject({
      action: 'lock_user',
      user_guid: null,
      event_description: expect.any(String),
    })
    expect(String(results.at(-1)!['user_description'])).toContain('spec')
    const [first] = (await audit('')).results
    expect(first).toMatchObject({ action: 'add_user' })
  })

  it('leaves nothing out when a service is down', async () => {
    integrations.up = false
    expect((await ask('GET', '/audit-logs')).status).toBe(503)
    expect((await ask('GET', '/audit-logs?since=yesterday')).status).toBe(400)
  })
})

describe('normalizing groups', () => {
  it('CLI-06 CLI-07 GRP-40 makes groups work after each switch, and changes nothing the second time', async () => {
    const guid = await makeGroup('Switched')
    const on = await open('GroupsByUniqueId = true')
    try {
      const run = async (dryRun: boolean, where: IdentityUnderTest) =>
        (await ask('POST', '/groups/normalization', { dry_run: dryRun }, where)).json<{
          by_unique_id: boolean
          changed: { guid: string; unique_id: string | null }[]
        }>()
      const mine = ({ changed }: { changed: { guid: string; unique_id: string | null }[] }) =>
        changed.filter((each) => each.guid === guid)
      expect(mine(await run(true, on))).toHaveLength(1)
      expect(mine(await run(false, on))).toEqual([{ guid, name: 'Switched', unique_id: 'Switched' }])
      expect(await run(false, on)).toMatchObject({ by_unique_id: true, changed: [] })
      const by = await login('switched', { groups: ['Switched'] }, on)
      expect((await group(guid))!['members']).toBe(1)

      expect(mine(await run(false, service))).toEqual([{ guid, name: 'Switched', unique_id: null }])
      expect(await run(false, service)).toMatchObject({ by_unique_id: false, changed: [] })
      expect(await login('switched', { groups: ['Switched'] })).toBe(by)
      expect((await group(guid))!['members']).toBe(1)
      expect(await eventsOf('group', guid)).toEqual(['GroupUniqueIdChanged', 'GroupUniqueIdChanged'])
    } finally {
      await on.close()
    }
  })
})
