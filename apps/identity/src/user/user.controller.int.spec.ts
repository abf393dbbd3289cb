import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import type { Actor, Role } from '#libs/contracts'
import { PostgresEventStore, Streams } from '#libs/event-sourcing'
import { freshDatabase, type FreshDatabase } from '#libs/testing'
import { identityUnderTest, inBrowser, keyOf, type IdentityUnderTest } from '../identity-under-test.conformance.js'
import { writeProfile } from './profile.js'
import { userStream } from './user.stream.js'

const USERS = '/__api__/v1/users'

let database: FreshDatabase
let pool: Pool
let service: IdentityUnderTest

beforeEach(async () => {
  database = await freshDatabase('identity')
  pool = database.pool()
  service = await identityUnderTest(database)
})
afterEach(async () => {
  await service.close()
  await database.drop()
})

/** Somebody who has logged in. */
async function person(username: string, role: Role): Promise<Actor & { type: 'key' }> {
  const guid = randomUUID()
  const command = {
    type: 'LogIn',
    now: new Date(),
    firstAdministrator: false,
    defaultRole: role,
    mapping: undefined,
    profile: { basis: 0, fields: ['username'] },
    groups: undefined,
    session: { sid: randomUUID(), expiresAt: new Date(Date.now() + 60_000) },
    replaces: undefined,
  } as const
  await new Streams(new PostgresEventStore(pool)).handle(
    userStream,
    guid,
    command,
    { actor: { type: 'provider' }, commandId: randomUUID() },
    {
      record: (client) =>
        writeProfile(client, guid, 1, {
          username,
          firstName: `First ${username}`,
          lastName: 'Last',
          email: '',
          externalId: `x-${username}`,
        }),
    },
  )
  return keyOf(guid, role) as Actor & { type: 'key' }
}

const put = (actor: Actor, guid: string, body: unknown) =>
  service.request({ method: 'PUT', path: `${USERS}/${guid}`, actor, body })

describe('people', () => {
  it('are shown with all fields of the contract, and their unique id to few', async () => {
    const [alice, vera] = [await person('alice', 'administrator'), await person('vera', 'viewer')]
    const own = (await service.get('/__api__/v1/user', vera)).json()
    expect(own).toEqual({
      guid: vera.user,
      username: 'vera',
      first_name: 'First vera',
      last_name: 'Last',
      email: '',
      user_role: 'viewer',
      created_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string,
      updated_time: expect.stringMatching(/Z$/) as string,
      active_time: expect.stringMatching(/Z$/) as string,
      confirmed: true,
      locked: false,
      external_id: 'x-vera',
    })
    expect((await service.get(`${USERS}/${vera.user}`, alice)).json()).toEqual(own)
    expect((await service.get(`${USERS}/${alice.user}`, vera)).json()).not.toHaveProperty('external_id')
    const missing = await service.get(`${USERS}/${randomUUID()}`, alice)
    expect([missing.status, missing.json().code]).toEqual([404, 9])
  })

  it('are listed in pages of exactly three members', async () => {
    const alice = await person('alice', 'administrator')
    for (const name of ['Bert', 'carl', 'dora']) await person(name, 'viewer')
    const list = async (query: string) => {
      const page = (await service.get(`${USERS}?${query}`, alice)).json<{
        results: { username: string }[]
        total: number
      }>()
      expect(Object.keys(page)).toEqual(['results', 'current_page', 'total'])
      return [page.total, page.results.map(({ username }) => username)]
    }
    expect(await list('')).toEqual([4, ['alice', 'Bert', 'carl', 'dora']])
    expect(await list('page_number=2&page_size=3')).toEqual([4, ['dora']])
    expect(await list('page_number=9&page_size=3')).toEqual([4, []])
    expect(await list('asc_order=False')).toEqual([4, ['dora', 'carl', 'Bert', 'alice']])
    expect(await list('prefix=FIRST%20b')).toEqual([1, ['Bert']])
    expect(await list('user_role=administrator')).toEqual([1, ['alice']])
    expect(await list('user_role=administrator|viewer&page_size=1')).toEqual([4, ['alice']])
    expect(await list('account_status=locked')).toEqual([0, []])
    expect(await list('account_status=licensed')).toEqual([4, ['alice', 'Bert', 'carl', 'dora']])
    expect(await list('account_status=inactive')).toEqual([0, []])
    expect((await service.get(`${USERS}?user_role=boss`, alice)).json().code).toBe(112)
    expect((await service.get(`${USERS}?page_size=501`, alice)).json().code).toBe(25)
  })

  it('get another role from an administrator, never the only administrator', async () => {
    const [alice, vera] = [await person('alice', 'administrator'), await person('vera', 'viewer')]
    expect((await put(alice, vera.user, { user_role: 'publisher' })).json()).toMatchObject({ user_role: 'publisher' })
    expect((await put({ ...vera, role: 'publisher' }, vera.user, { user_role: 'administrator' })).json().code).toBe(23)
    expect((await put(vera, alice.user, { user_role: 'viewer' })).json().code).toBe(22)
    expect((await put(alice, vera.user, { user_role: 'boss' })).json().code).toBe(112)
    const only = await put(alice, alice.user, { user_role: 'viewer' })
    expect([only.status, only.json().code]).toEqual([400, 61])
  })

  it('keep what the login provider says of them', async () => {
    const alice = await person('alice', 'administrator')
    const answer = await put(alice, alice.user, { username: 'alicia' })
    expect([answer.status, answer.json().code]).toEqual([400, 36])
    expect((await put(alice, alice.user, { username: 'alice' })).status).toBe(200)
  })

  it('are never without an administrator, also when two demote each other at once', async () => {
    for (let round = 0; round < 5; round++) {
      const [one, other] = [await person(`a${round}`, 'administrator'), await person(`b${round}`, 'administrator')]
      await pool.query(`delete from person where guid <> all($1)`, [[one.user, other.user]])
      const answers = await Promise.all([
        put(one, other.user, { user_role: 'viewer' }),
        service.post(`${USERS}/${one.user}/lock`, other, { locked: true }),
      ])
      const { rows } = await pool.query(`select from person where role = 'administrator' and not locked`)
      expect([rows.length, answers.map(({ status }) => status).sort()]).toEqual([1, [200, 400]])
    }
  })

  it('are locked and unlocked, which ends their sessions', async () => {
    const [alice, vera] = [await person('alice', 'administrator'), await person('vera', 'viewer')]
    const lock = (actor: Actor, guid: string, locked: unknown) =>
      service.post(`${USERS}/${guid}/lock`, actor, { locked })
    const answer = await lock(alice, vera.user, true)
    expect([answer.status, answer.text]).toEqual([200, ''])
    const { state } = (await service.request({ path: `/internal/published/user/${vera.user}`, caller: 'vault' })).json<{
      state: object
    }>()
    expect(state).toMatchObject({ locked: true, sessions: [] })
    expect((await lock(alice, vera.user, false)).status).toBe(200)
    expect((await service.get(`${USERS}/${vera.user}`, alice)).json()).toMatchObject({ locked: false })
    expect((await lock(alice, alice.user, true)).json().code).toBe(49)
    expect((await lock(vera, alice.user, true)).status).toBe(403)
    expect((await lock(alice, vera.user, 'yes')).status).toBe(400)
  })
})

describe('API keys', () => {
  const keys = (actor: Actor & { type: 'key' }) => `${USERS}/${actor.user}/keys`
  interface Shown {
    id: string
    key: string
  }

  it('are shown once, work at once and are listed by their last characters', async () => {
    const priya = await person('priya', 'publisher')
    const answer = await service.post(keys(priya), inBrowser(priya), { name: 'laptop' })
    const created = answer.json<Shown>()
    expect(created).toEqual({
      id: expect.stringMatching(/^\d+$/) as string,
      name: 'laptop',
      key: expect.stringMatching(/^kb_[0-9a-f]{32}_[\w-]{43}$/) as string,
      user_role: 'publisher',
      created_time: expect.stringMatching(/Z$/) as string,
      active_time: null,
      expires_at: null,
      content_guid: null,
    })
    expect((await service.assert(created.key, 'api_key')).json()).toMatchObject({
      actor: { type: 'key', user: priya.user, role: 'publisher' },
      expires_in: 60,
    })
    const listed = (await service.get(keys(priya), priya)).json<Shown[]>()
    const used = expect.stringMatching(/Z$/) as string
    expect(listed).toEqual([{ ...created, key: `…${created.key.slice(-4)}`, active_time: used }])
    expect((await service.get(`${keys(priya)}/${created.id}`, priya)).json()).toEqual(listed[0])
  })

  it('have no more than their owner’s role, then and later', async () => {
    const [alice, other] = [await person('alice', 'administrator'), await person('other', 'administrator')]
    const priya = await person('priya', 'publisher')
    expect(
      (await service.post(keys(priya), inBrowser(priya), { name: 'x', user_role: 'administrator' })).json().code,
    ).toBe(234)
    const { key } = (await service.post(keys(alice), inBrowser(alice), { name: 'x' })).json<Shown>()
    await put(other, alice.user, { user_role: 'viewer' })
    expect((await service.assert(key, 'api_key')).json()).toMatchObject({ actor: { role: 'viewer' } })
  })

  it('are nobody’s business but their owner’s', async () => {
    const [alice, priya] = [await person('alice', 'administrator'), await person('priya', 'publisher')]
    expect((await service.get(keys(priya), alice)).json().code).toBe(22)
    expect((await service.post(keys(priya), alice, { name: 'x' })).json().code).toBe(22)
  })

  it('are refused once deleted, over, or their owner locked; and any text that is no key', async () => {
    const [alice, priya] = [await person('alice', 'administrator'), await person('priya', 'publisher')]
    const create = async (body: object = {}) =>
      (await service.post(keys(priya), inBrowser(priya), { name: 'x', ...body })).json<Shown>()
    const status = async ({ key }: { key: string }) => (await service.assert(key, 'api_key')).status

    const deleted = await create()
    const path = `${keys(priya)}/${deleted.id}`
    expect((await service.request({ method: 'DELETE', path, actor: priya })).status).toBe(204)
    expect((await service.request({ method: 'DELETE', path, actor: priya })).json().code).toBe(4)
    expect(await status(deleted)).toBe(401)
    expect((await pool.query('select from api_key_hash')).rowCount).toBe(0)

    const short = await create({ expires_at: new Date(Date.now() + 3_600_000).toISOString() })
    expect(await status(short)).toBe(200)
    await pool.query(`update api_key set expires_at = now() - interval '1 second'`)
    expect(await status(short)).toBe(401)
    expect(
      (await service.post(keys(priya), inBrowser(priya), { name: 'x', expires_at: '2020-01-01T00:00:00Z' })).json()
        .code,
    ).toBe(25)

    const other = await create()
    const forged = other.key.slice(0, -1) + (other.key.endsWith('A') ? 'B' : 'A')
    expect(await status({ key: forged })).toBe(401)
    expect(await status({ key: 'kb_x' })).toBe(401)
    await service.post(`${USERS}/${priya.user}/lock`, alice, { locked: true })
    const answer = await service.assert(other.key, 'api_key')
    expect([answer.status, answer.json().code]).toEqual([401, 30])
  })

  it('are made once for an idempotency key, and shown once', async () => {
    const priya = await person('priya', 'publisher')
    const repeat = { 'idempotency-key': 'laptop' }
    expect((await service.post(keys(priya), inBrowser(priya), { name: 'laptop' }, repeat)).status).toBe(200)
    const again = await service.post(keys(priya), inBrowser(priya), { name: 'laptop' }, repeat)
    expect([again.status, again.json().error]).toEqual([409, expect.stringContaining('shown once')])
    expect((await service.get(keys(priya), priya)).json<Shown[]>()).toHaveLength(1)
    expect((await service.post(keys(priya), inBrowser(priya), { name: 'other' }, repeat)).status).toBe(409)
  })

  it('need a name', async () => {
    const priya = await person('priya', 'publisher')
    for (const body of [{ name: ' ' }, {}, { name: 7 }]) {
      expect((await service.post(keys(priya), inBrowser(priya), body)).json().code).toBe(62)
    }
  })

  it('are told to the others without anything to use them with', async () => {
    const priya = await person('priya', 'publisher')
    const { id, key } = (await service.post(keys(priya), inBrowser(priya), { name: 'laptop' })).json<Shown>()
    const { rows } = await pool.query<{ guid: string }>('select guid from api_key where position = $1', [id])
    const answer = await service.request({ path: `/internal/published/api_key/${rows[0]!.guid}`, caller: 'gateway' })
    expect(answer.json()).toMatchObject({
      type: 'ApiKeyChanged',
      version: 1,
      state: {
        guid: rows[0]!.guid,
        user_guid: priya.user,
        user_role: 'publisher',
        content_guid: null,
        expires_at: null,
      },
    })
    expect(answer.text).not.toContain(key.slice(-43))
  })
})
