import { randomUUID } from 'node:crypto'
import { jest } from '@jest/globals'
import { Logger } from '@nestjs/common'
import fc from 'fast-check'
import type { Pool } from 'pg'
import { DataSource } from 'typeorm'
import { DomainError, Secret, type Role } from '#libs/contracts'
import {
  databaseOptions,
  poolOf,
  PostgresEventStore,
  Streams,
  type CommandContext,
  type SqlClient,
} from '#libs/event-sourcing'
import { AuthenticationSettings, AuthorizationSettings, OAuth2Settings } from '#libs/service'
import { freshDatabase, type FreshDatabase } from '#libs/testing'
import { ApiKeyQueries } from '../api-key/api-key.queries.js'
import { ApiKeys } from '../api-key/api-keys.js'
import { GroupQueries } from '../group/group.queries.js'
import { Groups } from '../group/groups.js'
import { GroupProvisioning } from '../group/provisioning.js'
import { nameless } from '../user/people.conformance.js'
import { People } from '../user/people.js'
import { UserQueries } from '../user/user.queries.js'
import { userStream } from '../user/user.stream.js'
import { userGuidOf } from '../user/provider-identity.js'
import { PROHIBITED_USERNAMES } from '../user/username-rules.js'
import type { Claims } from './claims.js'
import type { GroupOverage } from './group-overage.js'
import { LogIn, type LoggedInSession } from './log-in.js'
import { LogInQueries } from './log-in.queries.js'

const ISSUER = 'https://op.test'
const KEY = new Secret('k'.repeat(44))
const ADA = { sub: 'ada-1', preferred_username: 'ada', email: 'ada@company.com' }

type Changes = Partial<OAuth2Settings> & Partial<AuthorizationSettings>

let database: FreshDatabase
let dataSource: DataSource
let pool: Pool
let streams: Streams
let users: UserQueries
let owner: Pool
let tables: string[]
let warnings: jest.SpiedFunction<Logger['warn']>
let logs: jest.SpiedFunction<Logger['log']>

beforeAll(async () => {
  database = await freshDatabase('identity')
  owner = database.ownerPool()
  const { rows } = await owner.query<{ name: string }>(
    `select table_schema || '.' || table_name as name from information_schema.tables
     where table_schema in ('log', 'record', 'model') and table_type = 'BASE TABLE' order by 1`,
  )
  tables = rows.map(({ name }) => name)
  dataSource = await new DataSource(databaseOptions(database.url, 'spec', [])).initialize()
  pool = poolOf(dataSource)
  streams = new Streams(new PostgresEventStore(pool))
  users = new UserQueries(dataSource)
})
afterAll(async () => {
  await dataSource?.destroy()
  await database?.drop()
})
beforeEach(async () => {
  warnings = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined)
  logs = jest.spyOn(Logger.prototype, 'log').mockImplementation(() => undefined)
  // Somebody else is the first administrator.
  await owner.query(
    `${tables.map((name) => `delete from ${name}`).join('; ')};
     insert into record.reserved (kind, value, holder) values ('installation', 'first-administrator', gen_random_uuid())`,
  )
})
afterEach(() => {
  jest.restoreAllMocks()
})

/** Rows of all tables. */
async function rowCounts(): Promise<unknown> {
  const counts = tables.map((name) => `(select count(*)::int from ${name}) as "${name}"`)
  return (await owner.query(`select ${counts.join(', ')}`)).rows[0]
}

function settings({ ...changes }: Changes) {
  const oauth2 = Object.assign(new OAuth2Settings(), { openIDConnectIssuer: ISSUER })
  const authorization = new AuthorizationSettings()
  for (const [name, value] of Object.entries(changes)) {
    Object.assign(name in authorization ? authorization : oauth2, { [name]: value })
  }
  return { oauth2, authorization }
}

const context = (): CommandContext => ({ actor: { type: 'provider' }, commandId: randomUUID() })

async function logIn(
  claims: Claims,
  changes: Changes = {},
  overage?: GroupOverage,
  begun?: (client: SqlClient, sid: string) => Promise<void>,
): Promise<LoggedInSession> {
  const { oauth2, authorization } = settings(changes)
  const groups = new GroupProvisioning(streams, new GroupQueries(dataSource), oauth2)
  const queries = new LogInQueries(dataSource)
  const authentication = new AuthenticationSettings()
  const service = new LogIn(streams, users, queries, groups, oauth2, authentication, authorization, KEY, overage)
  return service.run({ issuer: oauth2.issuer, claims, accessToken: new Secret('at') }, { begun })
}

function people(changes: Changes = {}): People {
  const { oauth2, authorization } = settings(changes)
  const keys = new ApiKeys(streams, new ApiKeyQueries(dataSource))
  return new People(streams, users, keys, oauth2, authorization)
}

const ahead = async (externalId: string, role?: Role, changes: Changes = {}): Promise<string> => {
  const guid = randomUUID()
  const profile = { username: 'made.ahead', firstName: '', lastName: '', email: '', externalId }
  await people(changes).register(guid, 'administrator', { ...profile, role }, context())
  return guid
}

async function group(name: string, changes: Changes = {}, uniqueId?: string): Promise<string> {
  const { oauth2 } = settings(changes)
  const ownerGuid = randomUUID()
  await nameless(pool, ownerGuid)
  const guid = await new Groups(streams, oauth2).create({ name, ownerGuid, uniqueId }, context())
  await pool.query('delete from person where guid = $1', [ownerGuid])
  return guid
}

const code = async (work: Promise<unknown>): Promise<string> => {
  const error: unknown = await work.then(
    () => new Error('not refused'),
    (error: unknown) => error,
  )
  if (error instanceof DomainError) return error.code
  throw error
}

const user = async ({ userGuid }: LoggedInSession) => users.get(userGuid)
const roleOf = async (session: LoggedInSession): Promise<Role> => (await user(session)).role
const eventsOf = async ({ userGuid }: LoggedInSession): Promise<string[]> =>
  (
    await pool.query<{ type: string }>('select type from event where stream_id = $1 order by position', [
      `user-${userGuid}`,
    ])
  ).rows.map(({ type }) => type)
const groupNames = async (session?: LoggedInSession): Promise<string[]> =>
  (
    await pool.query<{ name: string }>(
      session
        ? 'select name from user_group join membership on group_guid = guid where user_guid = $1 order by name'
        : 'select name from user_group order by name',
      session ? [session.userGuid] : [],
    )
  ).rows.map(({ name }) => name)
const userCount = async (): Promise<number> =>
  (await pool.query<{ count: number }>('select count(*)::int as count from person')).rows[0]!.count

/** An administrator who stays one, so that others may be demoted. */
const anotherAdministrator = (): Promise<LoggedInSession> =>
  logIn({ sub: 'root', preferred_username: 'root', role: 'administrator' }, MAPPED)

const MAPPED: Changes = { userRoleMapping: true, roleClaim: 'role' }

describe('who comes in', () => {
  it('PROV-01 CFG-19 is made at the first login, once', async () => {
    const [first, second] = [await logIn(ADA), await logIn(ADA)]
    expect(second.userGuid).toBe(first.userGuid)
    expect(await userCount()).toBe(1)
    expect(await eventsOf(first)).toEqual([
      'UserRegistered',
      'RoleAssigned',
      'ProfileChanged',
      'SessionBegun',
      'SessionBegun',
    ])
  })

  it('PROV-01 is made once by logins at the same time', async () => {
    const sessions = await Promise.all(Array.from({ length: 8 }, () => logIn(ADA)))
    expect(new Set(sessions.map(({ userGuid }) => userGuid)).size).toBe(1)
    expect(await userCount()).toBe(1)
  })

  it('PROV-02 PROV-06 PROV-07 PROV-08 was made ahead, and keeps guid and role, with registration on and off', async () => {
    for (const [sub, registerOnFirstLogin] of [
      ['x-on', true],
      ['x-off', false],
    ] as const) {
      const guid = await ahead(sub, 'publisher')
      const session = await logIn({ ...ADA, sub, preferred_username: 'by.claim' }, { registerOnFirstLogin })
      expect(session.userGuid).toBe(guid)
      expect(await user(session)).toMatchObject({ username: 'by.claim', role: 'publisher', email: ADA.email })
    }
    expect(await userCount()).toBe(2)
  })

  it('PROV-03 PROV-06 C-05 of Google was added ahead, with registration off, and keeps the username given here', async () => {
    const google = { openIDConnectIssuer: undefined, registerOnFirstLogin: false }
    const guid = await ahead('google-1', undefined, google)
    const session = await logIn({ sub: 'google-1', email: 'ada@company.com' }, google)
    expect(session.userGuid).toBe(guid)
    expect(await user(session)).toMatchObject({ username: 'made.ahead', email: 'ada@company.com' })
  })

  it('PROV-10 is matched by exactly the claim: another case is somebody else', async () => {
    const guid = await ahead('Ada-1')
    expect((await logIn({ ...ADA, sub: 'ada-1' })).userGuid).not.toBe(guid)
    expect((await logIn({ ...ADA, sub: 'Ada-1' })).userGuid).toBe(guid)
  })

  it('PROV-09 A20 A22 is told apart by the unique id, whatever else is the same', async () => {
    await logIn(ADA)
    await logIn({ ...ADA, sub: 'ada-2' })
    expect(await userCount()).toBe(2)
  })

  it('A21 is somebody else with another issuer', async () => {
    await logIn(ADA)
    await logIn(ADA, { openIDConnectIssuer: 'https://other.test' })
    expect(await userCount()).toBe(2)
  })

  it('ID-29 is known by the claim that UniqueIdClaim names', async () => {
    const session = await logIn({ ...ADA, oid: 'o-1' }, { uniqueIdClaim: 'oid' })
    expect((await user(session)).externalId).toBe('o-1')
  })

  it('A39 comes back as somebody new after having been deleted, as often as it takes', async () => {
    const guids = new Set<string>()
    for (let round = 0; round < 3; round++) {
      const session = await logIn(ADA)
      guids.add(session.userGuid)
      await streams.handle(
        userStream,
        (await anotherAdministrator()).userGuid,
        { type: 'EndSessions', reason: 'logout' },
        context(),
      )
      await people().delete(session.userGuid, context())
    }
    expect(guids.size).toBe(3)
  })

  it('has a guid that nobody can tell from issuer and unique id', async () => {
    const { userGuid } = await logIn(ADA)
    const identity = { issuer: ISSUER, uniqueId: ADA.sub }
    expect(userGuidOf(KEY, identity)).toBe(userGuid)
    expect(userGuidOf(new Secret('another'), identity)).not.toBe(userGuid)
  })

  it('A39 comes back as somebody new when deleted in the middle of the login', async () => {
    await anotherAdministrator()
    const before = await logIn(ADA)
    const find = users.find.bind(users)
    jest.spyOn(users, 'find').mockImplementationOnce(async (guid) => {
      const found = await find(guid)
      await people().delete(guid, context())
      return found
    })
    const after = await logIn(ADA)
    expect(after.userGuid).not.toBe(before.userGuid)
    expect((await user(after)).username).toBe('ada')
  })
})

describe('a username', () => {
  it('A37 begins no session that the provider could not end', async () => {
    const before = await rowCounts()
    const failing = logIn(ADA, {}, undefined, () => Promise.reject(new Error('not written')))
    await expect(failing).rejects.toThrow('not written')
    expect(await rowCounts()).toEqual(before)
    const sids: string[] = []
    const session = await logIn(ADA, {}, undefined, async (_, sid) => void sids.push(sid))
    expect(sids).toEqual([session.sid])
  })

  it('ID-12 from the claim may occur twice', async () => {
    const two = [await logIn(ADA), await logIn({ ...ADA, sub: 'ada-2' })]
    for (const session of two) expect((await user(session)).username).toBe('ada')
  })

  it('ID-13 ID-14 ID-17 ID-20 is derived at the first login only, and gets a number when it is taken', async () => {
    const names: string[] = []
    for (const domain of ['a.com', 'b.com', 'c.com']) {
      names.push((await user(await logIn({ sub: domain, email: `ada@${domain}` }))).username)
    }
    expect(names).toEqual(['ada', 'ada2', 'ada3'])
    expect((await user(await logIn({ sub: 'b.com', email: 'else@b.com' }))).username).toBe('ada2')
  })

  it('ID-20 C-07 gives way to names that a provider states, too', async () => {
    await logIn(ADA)
    expect((await user(await logIn({ sub: 'x', email: 'ADA@b.com' }))).username).toBe('ADA2')
  })

  it('ID-04 ID-20 is unique when many come at once, and when two hundred numbers are taken', async () => {
    await owner.query(
      `insert into record.reserved (kind, value, holder)
       select 'username', 'info' || number, gen_random_uuid() from generate_series(2, 200) as number`,
    )
    const google = { openIDConnectIssuer: undefined }
    const come = (index: number) => logIn({ sub: `s${index}`, email: `info@d${index}.com` }, google)
    const sessions = await Promise.all(Array.from({ length: 5 }, (_, index) => come(index)))
    const names = await Promise.all(sessions.map(async (session) => (await user(session)).username))
    expect(names.sort()).toEqual(['info', 'info201', 'info202', 'info203', 'info204'])
  })

  it('ID-20 is free again when the provider states another one', async () => {
    const session = await logIn({ sub: 'x', email: 'ada@company.com' })
    await logIn({ sub: 'x', email: 'ada@company.com', preferred_username: 'countess' })
    expect((await user(session)).username).toBe('countess')
    expect((await user(await logIn({ sub: 'y', email: 'ada@company.com' }))).username).toBe('ada')
  })
})

const cases: [string, Claims, Changes, string][] = [
  ['ID-30 no unique id', { ...ADA, sub: undefined }, {}, 'login.claim_missing'],
  [
    'LOGIN-11 ID-16 no username claim',
    { ...ADA, preferred_username: '' },
    { requireUsernameClaim: true },
    'login.username_missing',
  ],
  ['ID-13 neither username nor address', { sub: 'x' }, {}, 'login.username_missing'],
  ['PROV-05 PROV-06 A38 somebody unknown', ADA, { registerOnFirstLogin: false }, 'login.not_provisioned'],
  ['ACCESS-06 another domain', ADA, { allowedDomain: ['else.org'] }, 'login.access_denied'],
  ...PROHIBITED_USERNAMES.map((name): [string, Claims, Changes, string] => [
    `ID-08 the username ${name}`,
    { ...ADA, preferred_username: name },
    {},
    'login.username_prohibited',
  ]),
]

describe('a refused login', () => {
  it.each(cases)('%s stores nothing', async (_name, claims, changes, refusal) => {
    await logIn({ sub: 'other', preferred_username: 'other' })
    const before = await rowCounts()
    const groups = { groupsAutoProvision: true }
    expect(await code(logIn({ ...claims, groups: ['new'] }, { ...groups, ...changes }))).toBe(refusal)
    expect(await rowCounts()).toEqual(before)
  })

  it('A39 of a locked person stores nothing, and makes no group', async () => {
    const session = await logIn(ADA)
    await people().lock((await logIn(ADA)).userGuid, true, 'operator', context(), { force: true })
    const before = await rowCounts()
    expect(await code(logIn({ ...ADA, groups: ['new'] }, { groupsAutoProvision: true }))).toBe('user.locked')
    expect(await rowCounts()).toEqual(before)
    expect((await user(session)).locked).toBe(true)
  })

  it('PROV-05 says that an administrator must make the account', async () => {
    await expect(logIn(ADA, { registerOnFirstLogin: false })).rejects.toThrow(/administrator must make the account/)
  })

  it('ACCESS-09 is one of somebody known whose domain is no longer allowed', async () => {
    const restricted = { allowedDomain: ['company.com'] }
    await logIn(ADA, restricted)
    const before = await rowCounts()
    expect(await code(logIn(ADA, { allowedDomain: ['else.org'] }))).toBe('login.access_denied')
    expect(await rowCounts()).toEqual(before)
  })

  it('D25 whatever the claims, is a refusal that stores nothing, or a login that is whole', async () => {
    const value = fc.oneof(
      fc.constantFrom('ada', 'login', '', ' ', null, 'x@company.com', 'login@company.com', 'a\0b', '\ud800'),
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.array(fc.string({ unit: 'binary' }), { maxLength: 5 }),
      fc.jsonValue({ maxDepth: 2 }),
    )
    const claims = fc.record(
      { sub: value, preferred_username: value, email: value, given_name: value, groups: value, role: value },
      { requiredKeys: [] },
    )
    const changes = fc.record({
      openIDConnectIssuer: fc.constantFrom(ISSUER, undefined),
      usernameClaim: fc.constantFrom('preferred_username', ''),
      requireUsernameClaim: fc.boolean(),
      allowedDomain: fc.constantFrom([], ['company.com']),
      registerOnFirstLogin: fc.boolean(),
      groupsAutoProvision: fc.boolean(),
      groupsSeparator: fc.constantFrom(undefined, '|'),
      userRoleMapping: fc.boolean(),
      roleClaim: fc.constant('role'),
    })
    await fc.assert(
      fc.asyncProperty(claims, changes, async (claims, changes) => {
        const before = await rowCounts()
        try {
          const session = await logIn(claims, changes)
          expect(await user(session)).toMatchObject({ username: expect.stringMatching(/./) as string })
          expect((await eventsOf(session)).at(-1)).toBe('SessionBegun')
        } catch (error) {
          if (!(error instanceof DomainError)) throw error
          expect(await rowCounts()).toEqual(before)
        }
      }),
      { numRuns: 80 },
    )
  }, 60_000)
})

describe('the role at a login', () => {
  it('PROV-04 ROLE-02 CFG-33 is the default where nothing maps, else the mapped one', async () => {
    expect(await roleOf(await logIn({ ...ADA, sub: 'a' }))).toBe('viewer')
    expect(await roleOf(await logIn({ ...ADA, sub: 'b' }, { defaultUserRole: 'publisher' }))).toBe('publisher')
    expect(await roleOf(await logIn({ ...ADA, sub: 'c', role: 'publisher' }, MAPPED))).toBe('publisher')
  })

  it('CFG-27 CFG-35 is the default with a mapping that names no claim, and with a claim that nobody maps', async () => {
    const claims = { ...ADA, role: 'administrator' }
    expect(await roleOf(await logIn({ ...claims, sub: 'a' }, { userRoleMapping: true }))).toBe('viewer')
    expect(await roleOf(await logIn({ ...claims, sub: 'b' }, { roleClaim: 'role' }))).toBe('viewer')
  })

  it('PROV-08 stays as an administrator gave it where nothing maps', async () => {
    const session = await logIn(ADA)
    await people().change(session.userGuid, { role: 'publisher' }, 'operator', context(), { force: true })
    await logIn(ADA)
    expect(await roleOf(session)).toBe('publisher')
  })

  it('ROLE-03 ROLE-21 ROLE-22 ROLE-23 follows the claim at every login, with an event only when it changes', async () => {
    await anotherAdministrator()
    let session: LoggedInSession | undefined
    for (const [role, expected] of [
      ['viewer', 'viewer'],
      ['administrator', 'administrator'],
      [['viewer', 'publisher'], 'publisher'],
      [undefined, 'viewer'],
    ] as const) {
      session = await logIn({ ...ADA, role }, MAPPED)
      expect(await roleOf(session)).toBe(expected)
      await logIn({ ...ADA, role }, MAPPED)
    }
    expect((await eventsOf(session!)).filter((type) => type === 'RoleAssigned')).toHaveLength(4)
  })

  it('ROLE-08 works as the example is written, and ROLE-19 with Google’s custom claim', async () => {
    await anotherAdministrator()
    const example: Changes = {
      ...MAPPED,
      roleClaim: 'department',
      viewerRoleMapping: ['HR', 'Marketing'],
      publisherRoleMapping: ['Engineering'],
      administratorRoleMapping: ['IT'],
    }
    for (const issuer of [ISSUER, undefined]) {
      for (const [department, role] of [
        ['HR', 'viewer'],
        ['Marketing', 'viewer'],
        ['Engineering', 'publisher'],
        ['IT', 'administrator'],
        [undefined, 'viewer'],
      ]) {
        const claims = { sub: `d-${department}`, email: `${department}.person@company.com`, department }
        expect(await roleOf(await logIn(claims, { ...example, openIDConnectIssuer: issuer }))).toBe(role)
      }
    }
  })

  const byGroup: Changes = {
    userRoleGroupMapping: true,
    publisherRoleMapping: ['Developers'],
    administratorRoleMapping: ['Dev-Leaders', 'IT-Administrators'],
  }

  it.each([
    ['Developers', 'publisher'],
    ['Dev-Leaders', 'administrator'],
    ['IT-Administrators', 'administrator'],
    ['Sales', 'viewer'],
  ])(
    'ROLE-14 ROLE-15 ROLE-16 CFG-36 of a member of %s, whether that group exists here or not, is %s',
    async (name, role) => {
      const session = await logIn({ ...ADA, groups: [name] }, byGroup)
      expect(await roleOf(session)).toBe(role)
      expect(await groupNames()).toEqual([])
    },
  )

  it('ROLE-17 follows unique IDs where groups are matched by them', async () => {
    const byId = { ...byGroup, groupsByUniqueId: true, publisherRoleMapping: ['g-1'] }
    expect(await roleOf(await logIn({ ...ADA, groups: ['g-1'] }, byId))).toBe('publisher')
    expect(await roleOf(await logIn({ ...ADA, groups: ['Developers'] }, byId))).toBe('viewer')
  })

  it('CFG-43 of a mapping by group ignores the role claim', async () => {
    const session = await logIn({ ...ADA, role: 'administrator', groups: [] }, { ...byGroup, roleClaim: 'role' })
    expect(await roleOf(session)).toBe('viewer')
  })

  it('GRP-06 GRP-43 of a mapping by group stays when a login says nothing of groups', async () => {
    const session = await logIn({ ...ADA, groups: ['Developers'] }, byGroup)
    await logIn(ADA, byGroup)
    await logIn({ ...ADA, hasgroups: true }, byGroup)
    expect(await roleOf(session)).toBe('publisher')
    expect(await roleOf(await logIn({ ...ADA, sub: 'new' }, byGroup))).toBe('viewer')
  })

  describe('of administrators', () => {
    const isWarned = () => warnings.mock.calls.some((call) => /only administrator/.test(JSON.stringify(call)))

    it('C-13 is given to the first person ever whatever a mapping says, and mapped once there is another', async () => {
      await owner.query('truncate record.reserved')
      const first = await logIn({ ...ADA, role: 'viewer' }, MAPPED)
      expect(await roleOf(first)).toBe('administrator')
      await logIn({ ...ADA, role: 'viewer' }, MAPPED)
      expect(await roleOf(first)).toBe('administrator')
      expect(isWarned()).toBe(true)
      await anotherAdministrator()
      await logIn({ ...ADA, role: 'viewer' }, MAPPED)
      expect(await roleOf(first)).toBe('viewer')
    })

    it('is never taken from the last one, however many log in at once', async () => {
      const subs = ['a', 'b', 'c', 'd']
      for (const sub of subs) await logIn({ ...ADA, sub, role: 'administrator' }, MAPPED)
      await Promise.all(subs.map((sub) => logIn({ ...ADA, sub, role: 'viewer' }, MAPPED)))
      const { rows } = await pool.query<{ role: string }>('select role from person order by role')
      expect(rows.map(({ role }) => role)).toEqual(['administrator', 'viewer', 'viewer', 'viewer'])
      expect(isWarned()).toBe(true)
    })
  })
})

describe('groups at a login', () => {
  it('GRP-01 GRP-02 GRP-10 GRP-11 CFG-29 are those of the claim that exist', async () => {
    await group('A')
    await group('C')
    const many = Array.from({ length: 50 }, (_, index) => `other-${index}`)
    const session = await logIn({ ...ADA, groups: ['A', 'B', 'C', ...many] })
    expect(await groupNames(session)).toEqual(['A', 'C'])
    expect(await groupNames()).toEqual(['A', 'C'])
  })

  it('GRP-03 GRP-04 GRP-05 follow the claim exactly, over what was changed here between logins', async () => {
    for (const name of ['A', 'B', 'C']) await group(name)
    const session = await logIn({ ...ADA, groups: ['A'] })
    const c = (await pool.query<{ guid: string }>(`select guid from user_group where name = 'C'`)).rows[0]!.guid
    const add = { type: 'ChangeMemberships', added: [c], removed: [] } as const
    await streams.handle(userStream, session.userGuid, add, context())
    expect(await groupNames(session)).toEqual(['A', 'C'])
    await logIn({ ...ADA, groups: ['B'] })
    expect(await groupNames(session)).toEqual(['B'])
  })

  it.each<[string, Claims, string[]]>([
    ['GRP-06 absent', {}, ['A']],
    ['GRP-07 ""', { groups: '' }, ['A']],
    ['GRP-07 null', { groups: null }, ['A']],
    ['GRP-07 an empty list', { groups: [] }, []],
    ['GRP-08 in other letters', { groups: ['a'] }, []],
    ['GRP-43 too many for the token', { _claim_names: { groups: 'src1' } }, ['A']],
  ])('%s: %j leaves %j', async (_name, claims, left) => {
    await group('A')
    const session = await logIn({ ...ADA, groups: ['A'] })
    await logIn({ ...ADA, ...claims })
    expect(await groupNames(session)).toEqual(left)
  })

  it('GRP-14 GRP-15 GRP-16 GRP-18 are made as they are named, without owner, and stay when the last member has left', async () => {
    const auto = { groupsAutoProvision: true }
    const session = await logIn({ ...ADA, groups: ['X'] }, auto)
    expect(await groupNames(session)).toEqual(['X'])
    await logIn({ ...ADA, groups: [] }, auto)
    expect(await groupNames(session)).toEqual([])
    const { rows } = await pool.query('select name, owner_guid from user_group')
    expect(rows).toEqual([{ name: 'X', owner_guid: null }])
  })

  it('GRP-29 GRP-30 of another name are other groups', async () => {
    await group('A')
    const session = await logIn({ ...ADA, groups: ['A'] })
    await logIn({ ...ADA, groups: ['A2'] })
    expect(await groupNames(session)).toEqual([])
    await logIn({ ...ADA, groups: ['A2'] }, { groupsAutoProvision: true })
    expect(await groupNames(session)).toEqual(['A2'])
    expect(await groupNames()).toEqual(['A', 'A2'])
  })

  it('GRP-24 GRP-25 GRP-27 CFG-45 are left alone when they are local, Google’s, or off', async () => {
    await group('A')
    for (const changes of [{ groupsClaim: '' }, { openIDConnectIssuer: undefined }, { userGroups: false }]) {
      const session = await logIn({ ...ADA, groups: ['A'] }, { groupsAutoProvision: true, ...changes })
      expect(await groupNames(session)).toEqual([])
    }
    expect(await groupNames()).toEqual(['A'])
  })

  it('GRP-31 GRP-32 are one text, split where a separator is set', async () => {
    for (const name of ['group_1', 'group_2', 'group_1|group_2']) await group(name)
    const claims = { ...ADA, groups: 'group_1|group_2' }
    expect(await groupNames(await logIn(claims, { groupsSeparator: '|' }))).toEqual(['group_1', 'group_2'])
    expect(await groupNames(await logIn(claims))).toEqual(['group_1|group_2'])
  })

  it('GRP-33 GRP-36 GRP-42 are matched by unique ID, whatever they are called', async () => {
    const byId = { groupsByUniqueId: true }
    await group('Sales', byId, 'g-1')
    await group('Sales', byId, 'g-2')
    expect(await groupNames(await logIn({ ...ADA, groups: ['g-1', 'Sales'] }, byId))).toEqual(['Sales'])
  })

  describe('that did not fit into the token', () => {
    const overage = { ...ADA, _claim_names: { groups: 'src1' } }
    const healing = (groups: string[] | undefined) => ({ heal: jest.fn(() => Promise.resolve(groups)) })
    const isWarned = () => warnings.mock.calls.some((call) => /groups overage/.test(JSON.stringify(call)))

    it('GRP-43 C-09 are asked for where they are matched by unique ID', async () => {
      const byId = { groupsByUniqueId: true }
      await group('A', byId, 'g-1')
      const port = healing(['g-1', 'g-2'])
      expect(await groupNames(await logIn(overage, byId, port))).toEqual(['A'])
      expect(port.heal).toHaveBeenCalledTimes(1)
      expect(isWarned()).toBe(false)
    })

    it('GRP-43 stay as they were, with a warning, where the provider does not answer or names are matched', async () => {
      const byId = { groupsByUniqueId: true }
      await group('A', byId, 'g-1')
      const session = await logIn({ ...ADA, groups: ['g-1'] }, byId)
      await logIn(overage, byId, healing(undefined))
      expect(isWarned()).toBe(true)
      expect(await groupNames(session)).toEqual(['A'])
      warnings.mockClear()
      const port = healing(['g-2'])
      await logIn(overage, {}, port)
      expect(port.heal).not.toHaveBeenCalled()
      expect(isWarned()).toBe(true)
      expect(await groupNames(session)).toEqual(['A'])
    })
  })

  it('GRP-03 are one event, and one append with role, profile and session', async () => {
    const session = await logIn({ ...ADA, groups: ['A', 'B'] }, { groupsAutoProvision: true })
    const { rows } = await pool.query<{ transactions: number }>(
      'select count(distinct xmin::text)::int as transactions from event where stream_id = $1',
      [`user-${session.userGuid}`],
    )
    expect(await eventsOf(session)).toEqual([
      'UserRegistered',
      'RoleAssigned',
      'ProfileChanged',
      'MembershipsChanged',
      'SessionBegun',
    ])
    expect(rows[0]?.transactions).toBe(1)
  })
})

describe('the log', () => {
  const told = () => JSON.stringify([...logs.mock.calls, ...warnings.mock.calls])
  const claims = { ...ADA, given_name: 'Augusta', role: 'publisher', groups: ['secret-project'] }

  it('CFG-18 has the names of claims and the steps of the mapping when it is asked to, and no value ever', async () => {
    await logIn(claims, { ...MAPPED, logging: true })
    expect(told()).toContain('preferred_username')
    expect(told()).toContain('"matches":["publisher"]')
    for (const value of ['ada', 'Augusta', 'secret-project', 'ada@company.com', '"at"'])
      expect(told()).not.toContain(value)
  })

  it('CFG-18 has none of that otherwise', async () => {
    await logIn(claims, MAPPED)
    expect(told()).not.toContain('preferred_username')
    expect(told()).not.toContain('matches')
  })
})
