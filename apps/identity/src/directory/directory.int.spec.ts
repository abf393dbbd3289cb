import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import type { Actor } from '#libs/contracts'
import { freshDatabase, type FreshDatabase, type TestAnswer } from '#libs/testing'
import { identityUnderTest, keyOf, type IdentityUnderTest } from '../identity-under-test.conformance.js'
import { Browser } from '../login/browser.conformance.js'
import { CLIENT, faultyProvider, type FaultyProvider } from '../login/faulty-provider.conformance.js'
import type { RemoteUserPage, RemoteUserView } from './directory.dto.js'
import { FakePeopleApi, type Listed } from './people-api.fixture.js'
import { FakeVault } from './vault.fixture.js'

type UserActor = Extract<Actor, { type: 'user' }>

const GOOGLE = `ClientId = ${CLIENT.id}\nClientSecret = "${CLIENT.secret}"`

const listed = (id: string, givenName: string, familyName: string, domain = 'company.com'): Listed => ({
  id,
  givenName,
  familyName,
  email: `${givenName}.${familyName}@${domain}`.toLowerCase(),
})
const claimsOf = ({ id, email, givenName, familyName }: Listed) => ({
  sub: id,
  email,
  email_verified: true,
  hd: email.split('@')[1],
  given_name: givenName,
  family_name: familyName,
})

const ADA = listed('1001', 'Ada', 'Lovelace')
const GRACE = listed('1002', 'Grace', 'Hopper')
const GREGOR = listed('2001', 'Gregor', 'Mendel', 'other.org')

let provider: FaultyProvider
let people: FakePeopleApi
let vault: FakeVault
let database: FreshDatabase
let pool: Pool
let service: IdentityUnderTest
/** The first person, and so an administrator. */
let ada: UserActor

const start = (at: FreshDatabase, oauth2 = GOOGLE, sections = ''): Promise<IdentityUnderTest> =>
  identityUnderTest(at, oauth2, {
    sections,
    vendors: { googleIssuer: provider.issuer, people: people.url },
    urls: { vault: [vault.url] },
  })

beforeAll(async () => {
  provider = await faultyProvider()
  people = await new FakePeopleApi().start()
  vault = await new FakeVault().start()
  database = await freshDatabase('identity')
  pool = database.pool()
  service = await start(database)
  ada = await logIn(ADA)
})
afterAll(async () => {
  await service?.close()
  await Promise.all([provider?.close(), people?.close(), vault?.close()])
  await database?.drop()
})
beforeEach(() => {
  people.reset()
  vault.reset()
})

async function logIn(person: Listed, at = service): Promise<UserActor> {
  const browser = new Browser({ service: at, provider })
  provider.person = claimsOf(person)
  const answer = await browser.logIn()
  if (answer.status !== 302) throw new Error(`the login is answered with ${answer.status}: ${answer.text}`)
  return (await at.assert(browser.session!)).json<{ actor: UserActor }>().actor
}
const tokenOf = ({ guid, sid }: UserActor): string => vault.tokens.get(`${guid}/${sid}`)!.access_token
const search = (prefix: string, actor: Actor, at = service): Promise<TestAnswer> =>
  at.get(`/__api__/v1/users/remote?prefix=${encodeURIComponent(prefix)}`, actor)
const found = async (prefix: string, actor: Actor, at = service): Promise<RemoteUserPage & { directory: unknown }> => {
  const answer = await search(prefix, actor, at)
  expect([answer.status, answer.text]).toEqual([200, answer.text])
  const page = answer.json<RemoteUserPage>()
  expect(Object.keys(page)).toEqual(['results', 'current_page', 'total'])
  return { ...page, directory: answer.headers['directory-state'] }
}
const put = (actor: Actor, body: object, headers = {}, at = service): Promise<TestAnswer> =>
  at.request({ method: 'PUT', path: '/__api__/v1/users', actor, body, headers })
const names = ({ results }: RemoteUserPage): string[] => results.map(({ first_name }) => first_name)
/** The ticket of somebody whom the directory alone knows. */
const ticketOf = async (person: Listed, actor: UserActor, at = service): Promise<string> => {
  people.directories.set(tokenOf(actor), [person])
  const { results } = await found(person.email, actor, at)
  return results.find(({ email, guid }) => email === person.email && guid === null)!.temp_ticket
}
const usersWith = async (uniqueId: string, from = pool): Promise<{ guid: string; role: string }[]> => {
  const { rows } = await from.query<{ guid: string; role: string }>(
    `select guid, role from person join profile on user_guid = guid and current where external_id = $1`,
    [uniqueId],
  )
  return rows
}
const newPerson = (): Listed => listed(String(Math.floor(Math.random() * 1e15)), 'New', `N${randomUUID().slice(0, 8)}`)

describe('a search in Google’s directory', () => {
  it('DISC-01 DISC-02 asks the People API with the token of the searcher’s own login', async () => {
    people.directories.set(tokenOf(ada), [ADA, GRACE])
    const page = await found('gra', ada)
    expect(page).toMatchObject({ current_page: 1, total: 1, directory: 'searched' })
    expect(page.results[0]).toEqual({
      guid: null,
      temp_ticket: expect.stringMatching(/^[\w.-]{100,}$/) as string,
      username: 'grace.hopper',
      first_name: 'Grace',
      last_name: 'Hopper',
      email: 'grace.hopper@company.com',
      user_role: null,
      created_time: null,
      updated_time: null,
      active_time: null,
      confirmed: false,
      locked: false,
    })
    const [asked] = people.journal
    expect(people.journal).toHaveLength(1)
    expect(asked).toMatchObject({ method: 'GET', path: '/v1/people:searchDirectoryPeople' })
    expect(provider.issued.accessTokens).toContain(asked?.token)
    expect(Object.fromEntries(asked!.query)).toMatchObject({
      query: 'gra',
      readMask: 'names,emailAddresses,metadata',
      sources: 'DIRECTORY_SOURCE_TYPE_DOMAIN_PROFILE',
    })
  })

  it('DISC-02 DISC-03 shows each searcher what their own directory gives, and nothing of another’s', async () => {
    const gregor = await logIn(GREGOR)
    expect(tokenOf(gregor)).not.toBe(tokenOf(ada))
    people.directories.set(tokenOf(ada), [GRACE])
    people.directories.set(tokenOf(gregor), [listed('2002', 'Gran', 'Other', 'other.org')])
    expect(names(await found('gra', ada))).toEqual(['Grace'])
    expect(names(await found('gra', { ...gregor, role: 'publisher' }))).toEqual(['Gran'])
    expect(names(await found('gra', ada))).toEqual(['Grace'])
  })

  it('DISC-04 DISC-05 joins it with those who are known here, each once and with their guid', async () => {
    const person = newPerson()
    const stranger = { ...newPerson(), familyName: person.familyName }
    const guid = (await logIn(person)).guid
    people.directories.set(tokenOf(ada), [person, stranger])
    const { results } = await found('new', ada)
    const ours = results.filter(({ last_name }) => last_name === person.familyName)
    expect(ours.map((one) => [one.guid, one.confirmed])).toEqual([
      [guid, true],
      [null, false],
    ])
    people.directories.set(tokenOf(ada), [])
    expect((await found(person.familyName, ada)).results.map((one) => one.guid)).toEqual([guid])
  })

  it('shows those who are known here by another name than the directory’s', async () => {
    const person = newPerson()
    const { guid } = await logIn(person)
    people.directories.set(tokenOf(ada), [{ ...person, givenName: 'Renamed' }])
    const { results } = await found('renamed', ada)
    expect(results.map((one) => [one.guid, one.first_name])).toEqual([[guid, 'New']])
  })

  it('PROV-09 takes nobody for somebody else because of an address', async () => {
    const person = newPerson()
    const { guid } = await logIn(person)
    people.directories.set(tokenOf(ada), [{ ...newPerson(), email: person.email }])
    const { results } = await found(person.email, ada)
    expect(results.map((one) => one.guid)).toEqual([null])
    const made = await put(ada, { temp_ticket: results[0]!.temp_ticket })
    expect(made.json<RemoteUserView>().guid).not.toBe(guid)
    expect(made.json<RemoteUserView>().username).toMatch(/2$/)
  })

  it('leaves out whom the directory does not identify', async () => {
    const raw = (metadata: object, emailAddresses: object[] = [{ value: 'x@company.com' }]) => ({
      ...newPerson(),
      raw: { metadata, emailAddresses, names: [{ givenName: 'Raw' }] },
    })
    people.directories.set(tokenOf(ada), [
      raw({ sources: [{ type: 'CONTACT', id: 'c1' }] }),
      raw({}),
      raw({ sources: 'PROFILE' }),
      raw({ sources: [{ type: 'PROFILE', id: 7 }] }),
      raw({ sources: [{ type: 'PROFILE', id: 'without-address' }] }, []),
      raw({ sources: [{ type: 'DOMAIN_PROFILE', id: '3001' }] }),
      raw({ sources: [{ type: 'DOMAIN_PROFILE', id: '3001' }] }),
    ])
    expect((await found('new', ada)).results.filter(({ first_name }) => first_name === 'Raw')).toHaveLength(1)
  })

  it('cleans what would pass for another name', async () => {
    people.directories.set(tokenOf(ada), [{ ...newPerson(), givenName: 'New\u202Ewen\u0000', familyName: ' x ' }])
    const { results } = await found('new', ada)
    expect(results.at(-1)).toMatchObject({ first_name: 'Newwen', last_name: 'x' })
  })

  it.each([
    ['takes the token no more', { status: 401 }, 'login_needed'],
    ['is closed to the searcher', { status: 403, body: { error: { status: 'PERMISSION_DENIED' } } }, 'unavailable'],
    ['has been asked too often', { status: 429 }, 'unavailable'],
    ['is broken', { status: 500, body: 'oops' }, 'unavailable'],
    ['answers with no JSON', { status: 200, body: '<html>' }, 'unavailable'],
    ['answers with something else', { status: 200, body: { people: 'all' } }, 'unavailable'],
    ['answers with too much', { status: 200, body: { people: ['x'.repeat(300_000)] } }, 'unavailable'],
    ['sends us elsewhere', { status: 302, headers: { location: 'http://127.0.0.1:9/' } }, 'unavailable'],
    ['breaks off', 'cut', 'unavailable'],
    ['hangs', 'hang', 'unavailable'],
  ] as const)('finds known people when the directory %s', async (_what, fault, directory) => {
    people.fault = fault
    const page = await found('lovelace', ada)
    expect(page).toMatchObject({ directory, total: 1 })
    expect(names(page)).toEqual(['Ada'])
    expect(people.journal).toHaveLength(1)
  })

  it('finds known people when the vault is down, has no token, or it is over', async () => {
    vault.fault = { status: 503 }
    expect(await found('lovelace', ada)).toMatchObject({ directory: 'unavailable', total: 1 })
    vault.fault = undefined
    expect(await found('lovelace', { ...ada, sid: 'another' })).toMatchObject({ directory: 'login_needed', total: 1 })
    expect(people.journal).toEqual([])
  })

  it('finds known people for an API key, and for a blank prefix, and asks nobody', async () => {
    expect(await found('lovelace', keyOf(ada.guid, 'publisher'))).toMatchObject({ directory: 'login_needed', total: 1 })
    expect(await found(' ', ada)).toMatchObject({ directory: 'not_asked' })
    expect((await service.get('/__api__/v1/users/remote', ada)).headers['directory-state']).toBe('not_asked')
    expect(people.journal).toEqual([])
  })

  it('is for publishers and administrators', async () => {
    const as = async (role: UserActor['role']) => (await search('x', { ...ada, role })).status
    expect([await as('viewer'), await as('publisher'), await as('administrator')]).toEqual([403, 200, 200])
    expect((await put({ ...ada, role: 'viewer' }, { temp_ticket: 'x' })).status).toBe(403)
    expect((await service.request({ path: '/__api__/v1/users/remote?prefix=x' })).status).toBe(401)
  })

  it('refuses what is no prefix', async () => {
    expect((await search('a\u0000b', ada)).status).toBe(400)
    expect((await search('x'.repeat(101), ada)).status).toBe(400)
    expect((await search('’'.repeat(100), ada)).status).toBe(200)
  })

  it('a login succeeds when the vault is down, refuses or hangs, and its searches find known people', async () => {
    for (const fault of [{ status: 503 }, { status: 404, body: {} }, 'hang'] as const) {
      vault.fault = fault
      const actor = await logIn(newPerson())
      vault.fault = undefined
      expect(await found('lovelace', { ...actor, role: 'publisher' })).toMatchObject({ directory: 'login_needed' })
    }
  })
})

describe('the token of a login at Google', () => {
  it('LOGIN-06 LOGIN-09 goes to the vault for its own session, and stands nowhere in identity', async () => {
    const person = newPerson()
    const actor = await logIn(person)
    const token = provider.issued.accessTokens.at(-1)!
    expect(vault.journal.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `PUT /internal/login-tokens/${actor.guid}/${actor.sid}`,
    ])
    expect(vault.tokens.get(`${actor.guid}/${actor.sid}`)).toEqual({ access_token: token, expires_in: 60 })
    const owner = database.ownerPool()
    const { rows: tables } = await owner.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('log', 'record', 'model')`,
    )
    for (const { name } of tables) {
      const { rows } = await owner.query<{ found: number }>(
        `select count(*)::int as found from ${name} as row where position($1 in row::text) > 0`,
        [token],
      )
      expect([name, rows[0]?.found]).toEqual([name, 0])
    }
  })

  it('LOGIN-09 LOGIN-10 is in no answer that content, or whoever serves it, gets', async () => {
    const browser = new Browser({ service, provider })
    provider.person = claimsOf(newPerson())
    const answer = await browser.logIn()
    const asserted = await service.assert(browser.session!)
    const { actor } = asserted.json<{ actor: UserActor }>()
    people.directories.set(tokenOf(actor), [GRACE])
    const publisher = { ...actor, role: 'publisher' } as const
    const answers = [
      answer,
      asserted,
      await search('gra', publisher),
      await service.get('/__api__/v1/user', publisher),
      await service.get(`/__api__/v1/users/${actor.guid}`, keyOf(actor.guid, 'publisher')),
      await service.request({ path: `/internal/published/user/${actor.guid}`, caller: 'gateway' }),
      await service.request({
        method: 'POST',
        path: '/internal/user-session-tokens',
        actor,
        body: { content_guid: randomUUID() },
      }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([302, 200, 200, 200, 200, 200, expect.any(Number)])
    const said = answers.map(({ text, headers }) => text + JSON.stringify(headers)).join('\n')
    for (const secret of [...provider.issued.accessTokens, ...provider.issued.idTokens])
      expect(said).not.toContain(secret)
  })
})

describe('somebody found in the directory', () => {
  it('PROV-03 is added ahead of the first login, which finds them', async () => {
    const person = newPerson()
    const answer = await put(ada, { temp_ticket: await ticketOf(person, ada) })
    expect(answer.status).toBe(200)
    const user = answer.json<RemoteUserView>()
    expect(user).toMatchObject({
      first_name: 'New',
      last_name: person.familyName,
      email: person.email,
      user_role: 'viewer',
      external_id: person.id,
    })
    const { rows } = await pool.query<{ data: string }>(
      `select data from event where stream_id = $1 and type = 'UserRegistered'`,
      [`user-${user.guid}`],
    )
    expect(rows.map(({ data }) => JSON.parse(data) as object)).toEqual([{ origin: 'directory' }])
    expect((await logIn(person)).guid).toBe(user.guid)
    expect(await usersWith(person.id)).toHaveLength(1)
  })

  it('PROV-03 is one user, however often and by whomever they are added', async () => {
    const person = newPerson()
    const grace = { ...(await logIn(newPerson())), role: 'publisher' } as const
    const [one, other] = [await ticketOf(person, ada), await ticketOf(person, grace)]
    const answers = await Promise.all([
      put(ada, { temp_ticket: one }),
      put(grace, { temp_ticket: other }),
      put(ada, { temp_ticket: one }),
      logIn(person),
    ])
    const [user] = await usersWith(person.id)
    expect(await usersWith(person.id)).toHaveLength(1)
    for (const answer of answers) expect('guid' in answer ? answer.guid : answer.json()['guid']).toBe(user?.guid)
    const again = await found(person.email, ada)
    const known = again.results.find(({ guid }) => guid === user?.guid)
    expect((await put(ada, { temp_ticket: known!.temp_ticket })).json()).toMatchObject({ guid: user?.guid })
  })

  it('is added once by a request that is repeated', async () => {
    const temp_ticket = await ticketOf(newPerson(), ada)
    const headers = { 'idempotency-key': randomUUID() }
    const [first, second] = [await put(ada, { temp_ticket }, headers), await put(ada, { temp_ticket }, headers)]
    expect([first.status, second.status]).toEqual([200, 200])
    expect(second.json()['guid']).toBe(first.json()['guid'])
  })

  it('PROV-07 gets a role or a username from administrators only', async () => {
    const person = newPerson()
    const temp_ticket = await ticketOf(person, ada)
    const publisher = { ...ada, role: 'publisher' } as const
    expect((await put(publisher, { temp_ticket, user_role: 'viewer' })).json()).toMatchObject({ code: 23 })
    expect((await put(publisher, { temp_ticket, username: 'chosen' })).json()).toMatchObject({ code: 22 })
    expect((await put(ada, { temp_ticket, user_role: 'king' })).json()).toMatchObject({ code: 112 })
    expect(await usersWith(person.id)).toEqual([])
    const made = await put(ada, { temp_ticket, user_role: 'publisher', username: 'chosen' })
    expect(made.json()).toMatchObject({ user_role: 'publisher', username: 'chosen' })
    const actor = await logIn(person)
    expect(actor).toMatchObject({ guid: made.json()['guid'], role: 'publisher' })
    expect((await service.get(`/__api__/v1/users/${actor.guid}`, ada)).json()).toMatchObject({ username: 'chosen' })
  })

  it('whose address begins with a reserved name is added under another one', async () => {
    const person = { ...newPerson(), email: `help@${randomUUID()}.test` }
    const temp_ticket = await ticketOf(person, ada)
    expect((await put(ada, { temp_ticket })).json()).toMatchObject({ code: 107 })
    expect((await put(ada, { temp_ticket, username: 'helpdesk' })).status).toBe(200)
    expect((await logIn(person)).guid).toBe((await usersWith(person.id))[0]?.guid)
  })

  it.each([
    ['no ticket', () => undefined],
    ['no text', () => 7],
    ['something else', () => 'x'],
    ['too long a text', () => 'x'.repeat(5000)],
    ['a ticket with another end', (ticket: string) => `${ticket.slice(0, -3)}AAA`],
    ['a ticket without its seal', (ticket: string) => ticket.split('.').slice(0, 4).join('.') + '.'],
  ])('is not added by %s', async (_what, change) => {
    const answer = await put(ada, { temp_ticket: change(await ticketOf(GRACE, ada)) })
    expect([answer.status, answer.json()['code']]).toEqual([400, 127])
  })

  it('is not added by a ticket that another searcher got', async () => {
    const person = newPerson()
    const temp_ticket = await ticketOf(person, ada)
    const other = { ...(await logIn(newPerson())), role: 'administrator' } as const
    expect((await put(other, { temp_ticket })).json()).toMatchObject({ code: 127 })
    expect(await usersWith(person.id)).toEqual([])
    // The same person may use it with a key of theirs.
    expect((await put(keyOf(ada.guid, 'administrator'), { temp_ticket })).status).toBe(200)
  })

  it('is told to nobody by the ticket, which holds no token either', async () => {
    const person = newPerson()
    const ticket = await ticketOf(person, ada)
    const readable = ticket
      .split('.')
      .map((part) => Buffer.from(part, 'base64url').toString('latin1'))
      .join()
    for (const text of [person.email, person.id, person.familyName, tokenOf(ada)]) expect(readable).not.toContain(text)
  })

  it('is not made by POST, which says where to go', async () => {
    const answer = await service.post('/__api__/v1/users', ada, { username: 'x', external_id: '1' })
    expect(answer.json()).toMatchObject({ code: 120 })
  })
})

describe('with RegisterOnFirstLogin = false', () => {
  let closed: IdentityUnderTest
  let closedDatabase: FreshDatabase
  const administrator: UserActor = { type: 'user', guid: randomUUID(), role: 'administrator', sid: 'a-session' }

  beforeAll(async () => {
    closedDatabase = await freshDatabase('identity')
    closed = await start(
      closedDatabase,
      `${GOOGLE}\nRegisterOnFirstLogin = false`,
      '[Server]\nHideEmailAddresses = true\n',
    )
    await closed.bootstrap()
    vault.tokens.set(`${administrator.guid}/a-session`, { access_token: 'of-the-administrator', expires_in: 60 })
  })
  afterAll(async () => {
    await closed?.close()
    await closedDatabase?.drop()
  })

  it('PROV-05 PROV-06 C-05 nobody comes in but those whom an administrator has found and added', async () => {
    const person = newPerson()
    await expect(logIn(person, closed)).rejects.toThrow('administrator must make the account')
    const temp_ticket = await ticketOf(person, administrator, closed)
    const publisher = { ...administrator, role: 'publisher' } as const
    expect((await put(publisher, { temp_ticket }, {}, closed)).json()).toMatchObject({ code: 22 })
    await expect(logIn(person, closed)).rejects.toThrow('administrator must make the account')
    const made = await put(administrator, { temp_ticket }, {}, closed)
    expect(made.status).toBe(200)
    expect((await logIn(person, closed)).guid).toBe(made.json()['guid'])
    // Publishers may still have those who are there already.
    expect((await put(publisher, { temp_ticket }, {}, closed)).json()).toMatchObject({ guid: made.json()['guid'] })
  })

  it('hides addresses from all but administrators', async () => {
    people.directories.set('of-the-administrator', [GRACE])
    const emails = async (actor: Actor) => (await found('gra', actor, closed)).results.map(({ email }) => email)
    expect(await emails(administrator)).toEqual([GRACE.email])
    expect(await emails({ ...administrator, role: 'publisher' })).toEqual([''])
  })
})

describe('with another provider than Google', () => {
  let other: IdentityUnderTest
  let otherDatabase: FreshDatabase

  beforeAll(async () => {
    otherDatabase = await freshDatabase('identity')
    other = await start(otherDatabase, `${GOOGLE}\nOpenIDConnectIssuer = ${provider.issuer}`)
  })
  afterAll(async () => {
    await other?.close()
    await otherDatabase?.drop()
  })

  it('DISC-06 finds those who logged in or were made here, and no call leaves the server', async () => {
    const actor = await logIn({ ...GRACE, id: 'grace' }, other)
    const made = { username: 'gradually', external_id: 'ahead', email: 'g@company.com' }
    expect((await other.post('/__api__/v1/users', actor, made)).status).toBe(200)
    provider.journal.length = 0
    const page = await other.get('/__api__/v1/users?prefix=gra', actor)
    expect(page.json<{ results: { username: string }[] }>().results).toHaveLength(2)
    await search('gra', actor, other)
    expect([...people.journal, ...provider.journal, ...vault.journal]).toEqual([])
  })

  it('DISC-07 says that this provider’s people cannot be searched', async () => {
    const answer = await search('gra', ada, other)
    expect([answer.status, answer.json()['code']]).toEqual([400, 132])
    expect(answer.json()['error']).toContain('cannot be searched')
    const add = await put(ada, { temp_ticket: 'x' }, {}, other)
    expect([add.status, add.json()['code']]).toEqual([400, 119])
    expect((await put(ada, {}, {}, other)).json()).toMatchObject({ code: 119 })
  })
})
