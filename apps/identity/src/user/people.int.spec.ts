import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import type { Actor } from '#libs/contracts'
import { freshDatabase, type FreshDatabase } from '#libs/testing'
import { identityUnderTest, inBrowser, keyOf, type IdentityUnderTest } from '../identity-under-test.conformance.js'
import { somebody, type PersonActor } from './people.conformance.js'
import { People } from './people.js'
import { PROHIBITED_USERNAMES } from './username-rules.js'
import { UsernamesCheck } from './usernames.check.js'

const USERS = '/__api__/v1/users'
const CLIENT = `ClientId = keybearer
ClientSecret = secret`
const OPEN_ID = `${CLIENT}
OpenIDConnectIssuer = http://127.0.0.1:9`
const EDITABLE = `${OPEN_ID}
UsernameClaim = ""
FirstNameClaim = ""
LastNameClaim = ""
EmailClaim = ""`

let database: FreshDatabase
let pool: Pool
let service: IdentityUnderTest
let alice: PersonActor
let vera: PersonActor

async function start(oauth2: string, sections = ''): Promise<void> {
  service = await identityUnderTest(database, oauth2, { sections })
}
beforeEach(async () => {
  database = await freshDatabase('identity')
  pool = database.pool()
  alice = await somebody(pool, 'administrator', { username: 'alice' })
  vera = await somebody(pool, 'viewer', { username: 'vera', lastName: 'Voss', email: 'vera@a.org' })
})
afterEach(async () => {
  await service.close()
  await database.drop()
})

const put = (actor: Actor, guid: string, body: unknown) =>
  service.request({ method: 'PUT', path: `${USERS}/${guid}`, actor, body })
const codeOf = async (answer: ReturnType<typeof put>): Promise<[number, number]> => {
  const { status, json } = await answer
  return [status, json<{ code: number }>().code]
}
const create = (body: object, actor: Actor = alice) => service.post(USERS, actor, body)
const ada = { username: 'ada', unique_id: 'Sub-Ada' }

describe('a person who is made ahead of the first login', () => {
  it('PROV-02 PROV-07 PROV-11 is shown like everybody, with a guid and the role that was given', async () => {
    await start(OPEN_ID)
    const answer = await create({
      ...ada,
      first_name: 'Ada',
      last_name: 'Lovelace',
      email: 'ada@a.org',
      user_role: 'publisher',
      password: 'not for us',
    })
    expect(answer.status).toBe(200)
    const made = answer.json<{ guid: string }>()
    expect(made).toEqual({
      guid: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      username: 'ada',
      first_name: 'Ada',
      last_name: 'Lovelace',
      email: 'ada@a.org',
      user_role: 'publisher',
      created_time: expect.stringMatching(/Z$/) as string,
      updated_time: expect.stringMatching(/Z$/) as string,
      active_time: null,
      confirmed: true,
      locked: false,
      external_id: 'Sub-Ada',
    })
    expect((await service.get(`${USERS}/${made.guid}`, alice)).json()).toEqual(made)
    const { results } = (await service.get(`${USERS}?prefix=ada`, alice)).json<{ results: object[] }>()
    expect(results).toEqual([made])
    expect((await service.get(`${USERS}/Sub-Ada`, alice)).status).toBe(400)
  })

  it('API-08 PROV-02 PROV-10 is found by the exact unique ID, which is theirs alone', async () => {
    await start(OPEN_ID)
    const { guid } = (await create(ada)).json<{ guid: string }>()
    const { rows } = await pool.query('select holder, value from reserved where kind = $1', ['provider_id'])
    expect(rows).toEqual([{ holder: guid, value: '["http://127.0.0.1:9","Sub-Ada"]' }])
    expect(await codeOf(create({ username: 'ada2', external_id: 'Sub-Ada' }))).toEqual([400, 76])
    expect((await create({ username: 'ada3', external_id: 'sub-ada' })).status).toBe(200)
  })

  it('API-05 PROV-06 ROLE-02 is made by the API whether or not a first login may make people, with the default role', async () => {
    await start(`${OPEN_ID}\nRegisterOnFirstLogin = false`, '[Authorization]\nDefaultUserRole = publisher')
    expect((await create(ada)).json()).toMatchObject({ user_role: 'publisher', external_id: 'Sub-Ada' })
  })

  it('is made once for an idempotency key', async () => {
    await start(OPEN_ID)
    const headers = { 'idempotency-key': 'ada' }
    const first = await service.post(USERS, alice, ada, headers)
    const again = await service.post(USERS, alice, ada, headers)
    expect([again.status, again.json()]).toEqual([200, first.json()])
  })

  it('ID-04 has a username that nobody has, however many ask for it at once', async () => {
    await start(OPEN_ID)
    expect(await codeOf(create({ username: 'VERA', unique_id: 'x' }))).toEqual([409, 8])
    const answers = await Promise.all([1, 2, 3, 4].map((id) => create({ username: 'ada', unique_id: `x${id}` })))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409])
    const { rowCount } = await pool.query(`select from profile where username = 'ada'`)
    expect(rowCount).toBe(1)
  })

  it('ID-09 has any username that a provider might state, except the prohibited ones', async () => {
    await start(OPEN_ID)
    for (const username of ['a-b', '42', 'x', 'Ada Lovelace']) {
      expect((await create({ username, unique_id: `id of ${username}` })).status).toBe(200)
    }
    expect(await codeOf(create({ username: 'login', unique_id: 'x' }))).toEqual([400, 107])
  })

  it('ID-08 ID-05 ID-06 ID-07 has an editable username where usernames are edited', async () => {
    await start(EDITABLE)
    for (const username of PROHIBITED_USERNAMES) {
      expect(await codeOf(create({ username: username.toUpperCase(), unique_id: 'x' }))).toEqual([400, 107])
    }
    for (const username of ['ab', 'a'.repeat(65), '1abc', '_abc', '.abc', 'a-b', 'a b', 'a@b']) {
      expect([username, await codeOf(create({ username, unique_id: 'x' }))]).toEqual([username, [400, 7]])
    }
    for (const username of ['abc', 'a'.repeat(64), 'a_b.c1']) {
      expect([username, (await create({ username, unique_id: username })).status]).toEqual([username, 200])
    }
  })

  it.each<[string, [number, number], object]>([
    ['is refused without a unique ID', [400, 129], { username: 'ada' }],
    ['is refused with a blank unique ID', [400, 129], { username: 'ada', external_id: ' ' }],
    ['is refused with a unique ID that is no text', [400, 129], { username: 'ada', external_id: 7 }],
    ['is refused without a username', [400, 12], { unique_id: 'x' }],
    ['is refused with a blank username', [400, 7], { ...ada, username: ' ' }],
    ['is refused with a username that is no text', [400, 7], { ...ada, username: ['ada'] }],
    ['D25 is refused with a username that turns the writing', [400, 7], { ...ada, username: 'ada\u202eimda' }],
    ['H05 is refused with a username of which something is not seen', [400, 7], { ...ada, username: 'a\u200bda' }],
    ['D25 is refused with a first name of control characters', [400, 25], { ...ada, first_name: 'A\u0007da' }],
    ['is refused with a blank e-mail address', [400, 128], { ...ada, email: '' }],
    ['is refused with what is no e-mail address', [400, 264], { ...ada, email: 'ada at home' }],
    ['ROLE-01 is refused with a role that there is not', [400, 112], { ...ada, user_role: 'boss' }],
  ])('%s', async (_, expected, body) => {
    await start(OPEN_ID)
    expect(await codeOf(create(body))).toEqual(expected)
    expect((await pool.query(`select from person`)).rowCount).toBe(2)
  })

  it('H05 has a username in one form', async () => {
    await start(OPEN_ID)
    expect((await create({ ...ada, username: 'jose\u0301' })).json()).toMatchObject({ username: 'jos\u00e9' })
  })

  it('is made by administrators only, whatever a body says of roles', async () => {
    await start(OPEN_ID)
    expect(await codeOf(create({ ...ada, user_role: 'administrator' }, vera))).toEqual([403, 22])
    expect(await codeOf(create(ada, keyOf(alice.user, 'publisher')))).toEqual([403, 22])
  })

  it('PROV-03 is found and added with a ticket where people log in at Google', async () => {
    await start(CLIENT)
    expect(await codeOf(create(ada))).toEqual([400, 120])
  })
})

describe('a change', () => {
  it('ID-18 ID-26 ID-02 of an editable username is the person’s to make, and an administrator’s', async () => {
    await start(EDITABLE)
    expect((await put(vera, vera.user, { username: 'vera.v' })).json()).toMatchObject({ username: 'vera.v' })
    expect((await put(alice, vera.user, { username: 'vv.1' })).json()).toMatchObject({ username: 'vv.1' })
    expect((await put(vera, vera.user, { username: 'VV.1' })).json()).toMatchObject({ username: 'VV.1' })
    expect(await codeOf(put(vera, alice.user, { username: 'mine' }))).toEqual([403, 22])
  })

  it('ID-02 ID-03 of a username is possible with Google; of other fields it is not', async () => {
    await start(CLIENT, '[Authorization]\nUserInfoEditableBy = Admin')
    expect(await codeOf(put(vera, vera.user, { username: 'vera.v' }))).toEqual([403, 22])
    expect((await put(alice, vera.user, { username: 'vera.v' })).status).toBe(200)
    expect(await codeOf(put(alice, vera.user, { last_name: 'V' }))).toEqual([400, 46])
  })

  it('ID-04 ID-19 of a username meets every other username, those that a provider stated, too', async () => {
    await start(EDITABLE)
    expect(await codeOf(put(vera, vera.user, { username: 'Alice' }))).toEqual([409, 8])
    await put(alice, alice.user, { username: 'alicia' })
    expect((await put(vera, vera.user, { username: 'Alice' })).status).toBe(200)
    expect(await codeOf(put(alice, alice.user, { username: 'alice' }))).toEqual([409, 8])
    // What somebody gives up is free again, and no other value is kept.
    const { rows } = await pool.query(`select value from reserved where kind = 'username' order by value`)
    expect(rows).toEqual([{ value: 'alice' }, { value: 'alicia' }])
  })

  it('ID-19 of two usernames to one has one winner', async () => {
    await start(EDITABLE)
    const both = await Promise.all([alice, vera].map((who) => put(who, who.user, { username: 'queen' })))
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409])
  })

  it('ID-05 ID-06 ID-07 ID-08 of a username keeps its rules', async () => {
    await start(EDITABLE)
    for (const [username, code] of [
      ['ab', 7],
      ['a-b', 7],
      ['Groups', 107],
    ] as const) {
      expect(await codeOf(put(vera, vera.user, { username }))).toEqual([400, code])
    }
  })

  it.each([
    ['ID-11 of a username that the provider states', { username: 'x.y' }, 36],
    ['ID-21 of an e-mail address that the provider states', { email: 'x@y.org' }, 46],
    ['ID-21 of a first name that the provider states', { first_name: 'x' }, 46],
    ['ID-21 ID-25 of a last name that the provider states', { last_name: 'x' }, 46],
  ])('%s is refused to everybody', async (_, body, code) => {
    await start(OPEN_ID)
    expect(await codeOf(put(alice, vera.user, body))).toEqual([400, code])
    expect(await codeOf(put(vera, vera.user, body))).toEqual([400, code])
  })

  it('ID-22 of the one field whose claim is blank is possible, and shown', async () => {
    await start(`${OPEN_ID}\nLastNameClaim = ""`)
    const answer = await put(vera, vera.user, { last_name: 'Vesper' })
    expect(answer.json()).toMatchObject({ last_name: 'Vesper', username: 'vera', email: 'vera@a.org' })
    expect(await codeOf(put(vera, vera.user, { last_name: 'V', first_name: 'V' }))).toEqual([400, 46])
    expect((await service.get('/__api__/v1/user', vera)).json()).toEqual(answer.json())
  })

  it('ID-27 ID-33 under Admin is an administrator’s only', async () => {
    await start(EDITABLE, '[Authorization]\nUserInfoEditableBy = Admin')
    expect(await codeOf(put(vera, vera.user, { first_name: 'V' }))).toEqual([403, 22])
    expect((await put(alice, vera.user, { first_name: 'V', email: 'v@v.org' })).json()).toMatchObject({
      first_name: 'V',
      email: 'v@v.org',
    })
    expect((await put(alice, alice.user, { first_name: 'A' })).status).toBe(200)
  })

  it('PROV-08 ROLE-13 of a role is an administrator’s where nothing maps', async () => {
    await start(OPEN_ID)
    expect((await put(alice, vera.user, { user_role: 'publisher' })).json()).toMatchObject({ user_role: 'publisher' })
    expect(await codeOf(put(keyOf(vera.user, 'publisher'), vera.user, { user_role: 'administrator' }))).toEqual([
      403, 23,
    ])
  })

  it.each([
    ['by claim', 'RoleClaim = role', 'UserRoleMapping = true'],
    ['by group', 'GroupsClaim = groups', 'UserRoleGroupMapping = true'],
  ])('ROLE-12 D10 of a role is refused where it is mapped %s', async (_, claim, setting) => {
    await start(`${OPEN_ID}\n${claim}`, `[Authorization]\n${setting}`)
    expect(await codeOf(put(alice, vera.user, { user_role: 'publisher' }))).toEqual([403, 23])
    expect((await put(alice, vera.user, { user_role: 'viewer' })).status).toBe(200)
  })

  it('of profile and role is one append', async () => {
    await start(EDITABLE)
    await put(alice, vera.user, { username: 'vvv', last_name: 'W', user_role: 'publisher' })
    const { rows } = await pool.query<{ type: string; data: string }>(
      `select type, data from event where stream_id = $1 order by version offset 3`,
      [`user-${vera.user}`],
    )
    expect(rows.map(({ type }) => type)).toEqual(['ProfileChanged', 'RoleAssigned'])
    expect(rows[0]?.data).toBe('{"fields":["username","lastName"],"profileVersion":2}')
    const { rowCount } = await pool.query('select from profile where user_guid = $1 and current', [vera.user])
    expect(rowCount).toBe(1)
  })

  it('D05 takes nothing else from a body', async () => {
    await start(EDITABLE)
    const body = `{"external_id":"other","unique_id":"o","locked":true,"guid":"${randomUUID()}","confirmed":false,
      "first_name":"V"}`
    const answer = await put(vera, vera.user, body)
    expect(answer.json()).toMatchObject({
      guid: vera.user,
      first_name: 'V',
      user_role: 'viewer',
      locked: false,
      external_id: vera.user,
    })
    for (const name of ['__proto__', 'constructor']) {
      expect(await codeOf(put(vera, vera.user, `{"${name}":{"user_role":"administrator"}}`))).toEqual([400, 121])
    }
  })

  it('of a person who is not there is 404/9', async () => {
    await start(EDITABLE)
    expect(await codeOf(put(alice, randomUUID(), { first_name: 'V' }))).toEqual([404, 9])
    for (const guid of ['7', vera.user.replaceAll('-', ''), `{${vera.user}}`, 'a'.repeat(10_000)]) {
      expect(await codeOf(put(alice, encodeURIComponent(guid), {}))).toEqual([400, 3])
    }
    expect((await put(alice, vera.user.toUpperCase(), {})).json()).toMatchObject({ guid: vera.user })
  })

  it('D09 never leaves the server without an administrator', async () => {
    await start(OPEN_ID)
    expect(await codeOf(put(alice, alice.user, { user_role: 'viewer' }))).toEqual([400, 61])
    expect((await put(alice, alice.user, { user_role: 'administrator' })).status).toBe(200)
  })
})

describe('browser sessions', () => {
  const sessions = async () => (await pool.query<{ sid: string }>('select sid from session order by sid')).rows
  const begin = async (who: PersonActor, sid: string) => {
    await pool.query(`insert into session (sid, user_guid, expires_at, position) values ($1, $2, now() + '1h', 0)`, [
      sid,
      who.user,
    ])
    // The stream has to know of it, too.
    await pool.query(
      `insert into event (stream_id, version, type, schema_version, data, meta, command_id, hash)
       select stream_id, max(version) + 1, 'SessionBegun', 1, $2, '{"actor":{"type":"provider"}}', $3, decode(repeat('00', 32), 'hex')
       from event where stream_id = $1 group by stream_id`,
      [`user-${who.user}`, JSON.stringify({ sid, expiresAt: '2100-01-01T00:00:00Z' }), randomUUID()],
    )
  }
  const end = (actor: Actor, guid: string) =>
    service.request({ method: 'DELETE', path: `${USERS}/${guid}/sessions`, actor })

  it('D18 end all at once, by the person or an administrator, and by nobody else', async () => {
    await start(OPEN_ID)
    await begin(vera, 'v1')
    await begin(vera, 'v2')
    await begin(alice, 'a1')
    expect(await codeOf(end(vera, alice.user))).toEqual([403, 22])
    expect((await end(alice, vera.user)).status).toBe(204)
    expect(await sessions()).toEqual([{ sid: 'a1' }])
    expect((await end(alice, alice.user)).status).toBe(204)
    expect(await codeOf(end(alice, randomUUID()))).toEqual([404, 9])
    const { rows } = await pool.query<{ reason: string }>(
      `select data::json ->> 'reason' as reason from event where type = 'SessionEnded' order by position`,
    )
    expect(rows.map(({ reason }) => reason)).toEqual(['administrator', 'administrator', 'logout'])
  })
})

describe('the operator', () => {
  const context = (commandId = randomUUID()) => ({ actor: { type: 'operator', name: 'spec' }, commandId }) as const
  const people = () => service.app.get(People)
  const actors = async (guid: string) =>
    (
      await pool.query<{ type: string; actor: string }>(
        `select type, meta::json -> 'actor' ->> 'type' as actor from event where stream_id = $1 order by version offset 3`,
        [`user-${guid}`],
      )
    ).rows.map(({ type, actor }) => `${type} by ${actor}`)

  it('CLI-02 CLI-07 ID-28 changes fields that nobody else may, and the log knows who did it', async () => {
    await start(OPEN_ID)
    const changes = { username: 'vv', lastName: 'W', email: 'w@w.org', role: 'publisher' } as const
    await people().change(vera.user, changes, 'operator', context())
    expect((await service.get(`${USERS}/${vera.user}`, alice)).json()).toMatchObject({
      username: 'vv',
      last_name: 'W',
      email: 'w@w.org',
      user_role: 'publisher',
    })
    expect(await actors(vera.user)).toEqual(['ProfileChanged by operator', 'RoleAssigned by operator'])
  })

  it('gives a person another unique ID, which the next login finds; the former one is free', async () => {
    await start(OPEN_ID)
    const { guid } = (await create(ada)).json<{ guid: string }>()
    await people().change(guid, { externalId: 'New' }, 'operator', context())
    expect((await service.get(`${USERS}/${guid}`, alice)).json()).toMatchObject({ external_id: 'New' })
    const { rows } = await pool.query('select value, holder from reserved where kind = $1', ['provider_id'])
    expect(rows).toEqual([{ value: '["http://127.0.0.1:9","New"]', holder: guid }])
    expect((await create({ ...ada, username: 'ada2' })).status).toBe(200)
    await expect(people().change(guid, { externalId: 'Sub-Ada' }, 'operator', context())).rejects.toMatchObject({
      code: 'user.provider_id_taken',
    })
  })

  it('D09 takes the last administrator away by force only', async () => {
    await start(OPEN_ID)
    const demote = (force: boolean) => people().change(alice.user, { role: 'viewer' }, 'operator', context(), { force })
    await expect(demote(false)).rejects.toMatchObject({ code: 'user.last_administrator' })
    await expect(people().lock(alice.user, true, 'operator', context())).rejects.toMatchObject({
      code: 'user.last_administrator',
    })
    await expect(people().delete(alice.user, context())).rejects.toMatchObject({ code: 'user.last_administrator' })
    await demote(true)
    expect((await service.get(`${USERS}/${alice.user}`, vera)).json()).toMatchObject({ user_role: 'viewer' })
  })

  it('locks and unlocks', async () => {
    await start(OPEN_ID)
    await people().lock(vera.user, true, 'operator', context())
    await people().lock(vera.user, false, 'operator', context())
    expect(await actors(vera.user)).toEqual(['UserLocked by operator', 'UserUnlocked by operator'])
  })

  it('deletes a person: nothing of them stays but that there was somebody', async () => {
    await start(EDITABLE)
    const { guid } = (await create({ ...ada, email: 'ada@a.org' })).json<{ guid: string }>()
    const actor = inBrowser(keyOf(guid, 'viewer') as PersonActor)
    const { key } = (await service.post(`${USERS}/${guid}/keys`, actor, { name: 'x' })).json<{ key: string }>()
    await people().delete(guid, context())
    expect(await codeOf(service.get(`${USERS}/${guid}`, alice))).toEqual([404, 9])
    expect((await service.assert(key, 'api_key')).status).toBe(401)
    for (const table of ['person', 'membership', 'session', 'api_key', 'reserved', 'profile']) {
      const column = { person: 'guid', reserved: 'holder' }[table] ?? 'user_guid'
      expect([table, (await pool.query(`select from ${table} where ${column} = $1`, [guid])).rowCount]).toEqual([
        table,
        0,
      ])
    }
    expect((await pool.query('select from api_key_hash')).rowCount).toBe(0)
    // Name and unique ID are free, and another person's.
    const again = (await create(ada)).json<{ guid: string }>()
    expect(again.guid).not.toBe(guid)
  })

  it('does not delete a person who owns a group', async () => {
    await start(OPEN_ID)
    await pool.query(
      `insert into user_group (guid, position, name, owner_guid, created_at) values ($1, 1, 'g', $2, now())`,
      [randomUUID(), vera.user],
    )
    await expect(people().delete(vera.user, context())).rejects.toMatchObject({ code: 'user.owns_groups' })
    expect((await service.get(`${USERS}/${vera.user}`, alice)).status).toBe(200)
  })
})

describe('usernames that several people have', () => {
  it('C-07 are warned of at the start, once usernames may be edited', async () => {
    await somebody(pool, 'viewer', { username: 'Vera' })
    await start(EDITABLE)
    const [warning, ...others] = await service.app.get(UsernamesCheck).warnings()
    expect([warning, others]).toEqual([expect.stringMatching(/there are 1 such usernames/), []])
    expect(warning).not.toMatch(/\bvera\b/i)
  })

  it('ID-12 C-07 are as it should be while the provider states them', async () => {
    await somebody(pool, 'viewer', { username: 'vera' })
    await start(OPEN_ID)
    expect(await service.app.get(UsernamesCheck).warnings()).toEqual([])
  })
})
