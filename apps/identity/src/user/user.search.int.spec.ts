import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import type { DataSource } from 'typeorm'
import type { Role } from '#libs/contracts'
import { freshDatabase, type FreshDatabase } from '#libs/testing'
import { somebody } from './people.conformance.js'
import { UserQueries } from './user.queries.js'
import { searchOf, SORTS, type AccountStatus, type UserFilter } from './user.search.js'

let database: FreshDatabase
let pool: Pool
let users: UserQueries

beforeAll(async () => {
  database = await freshDatabase('identity')
  pool = database.pool()
  const query = async (text: string, values: unknown[]) => (await pool.query(text, values)).rows as unknown
  users = new UserQueries({ query } as unknown as DataSource)
})
afterAll(() => database.drop())
beforeEach(() => pool.query('delete from person; delete from profile; delete from api_key; delete from api_key_use'))

const filter = (changes: Partial<UserFilter>): UserFilter => ({
  sort: 'username',
  ascending: true,
  page: 1,
  pageSize: 20,
  ...changes,
})
const find = async (changes: Partial<UserFilter>): Promise<[number, string[]]> => {
  const { users: found, total } = await users.page(filter(changes))
  return [total, found.map(({ username }) => username)]
}
const person = (username: string, { firstName = '', lastName = '', role = 'viewer' as Role } = {}) =>
  somebody(pool, role, { username, firstName, lastName })

describe('searching people', () => {
  it('DISC-05 DISC-06 finds who is known by the beginning of username, first or last name, in any case', async () => {
    await person('zoe', { firstName: 'Anna', lastName: 'Berg' })
    await person('bea', { firstName: 'Zora', lastName: 'Ångström' })
    await person('Bert', { firstName: 'Johanna' })
    expect(await find({ prefix: 'b' })).toEqual([3, ['bea', 'Bert', 'zoe']])
    expect(await find({ prefix: 'B' })).toEqual([3, ['bea', 'Bert', 'zoe']])
    expect(await find({ prefix: 'Ann' })).toEqual([1, ['zoe']])
    expect(await find({ prefix: 'ånG' })).toEqual([1, ['bea']])
    expect(await find({ prefix: 'er' })).toEqual([0, []])
    expect(await find({ prefix: 'zoe ' })).toEqual([0, []])
    expect(await find({ prefix: '' })).toEqual([3, ['bea', 'Bert', 'zoe']])
  })

  it('finds whoever has names of any letters and any length', async () => {
    // Hardly compressible, and four bytes each.
    const long = () =>
      Array.from({ length: 255 }, () => String.fromCodePoint(0x20000 + Math.floor(Math.random() * 0xa000))).join('')
    const [username, firstName, lastName] = [long(), long(), long()]
    await person(username, { firstName, lastName })
    for (const name of [username, firstName, lastName]) {
      expect(await find({ prefix: name })).toEqual([1, [username]])
      expect(await find({ prefix: name.slice(0, 2), sort: 'last_name' })).toEqual([1, [username]])
    }
    expect(await find({ prefix: long() })).toEqual([0, []])
  })

  it('takes a prefix as it is: nothing in it is a pattern', async () => {
    await person('a_b')
    await person('axb')
    await person('%')
    await person('\\x')
    expect(await find({ prefix: 'a_' })).toEqual([1, ['a_b']])
    expect(await find({ prefix: '%' })).toEqual([1, ['%']])
    expect(await find({ prefix: '\\' })).toEqual([1, ['\\x']])
    expect(await find({ prefix: `'; drop table person; --` })).toEqual([0, []])
  })

  it('goes by the newest profile only', async () => {
    const { user } = await person('old')
    await pool.query('update profile set current = false where user_guid = $1', [user])
    await pool.query(
      `insert into profile (user_guid, version, username, first_name, last_name, email, external_id)
       values ($1, 2, 'new', '', '', '', '')`,
      [user],
    )
    expect([await find({ prefix: 'old' }), await find({ prefix: 'new' })]).toEqual([
      [0, []],
      [1, ['new']],
    ])
  })

  it.each(SORTS)(
    'D04 has every person on one page and on no other, in the order of %s, whatever is equal',
    async (sort) => {
      for (let index = 0; index < 7; index++) await person(index % 2 ? 'Same' : 'same', { firstName: 'Same' })
      for (const changes of [{}, { prefix: 's' }, { ascending: false }, { prefix: 's', ascending: false }]) {
        const guids: string[] = []
        for (let page = 1; page <= 4; page++) {
          const found = await users.page(filter({ sort, page, pageSize: 2, ...changes }))
          expect(found.total).toBe(7)
          guids.push(...found.users.map(({ guid }) => guid))
        }
        expect([guids.length, new Set(guids).size]).toEqual([7, 7])
        const whole = await users.page(filter({ sort, ...changes }))
        expect(whole.users.map(({ guid }) => guid)).toEqual(guids)
      }
      expect(await find({ page: 5, pageSize: 2 })).toEqual([7, []])
    },
  )

  it('orders by what it is told to, both ways', async () => {
    await person('a', { firstName: 'C', lastName: 'b', role: 'viewer' })
    await person('b', { firstName: 'a', lastName: 'C', role: 'publisher' })
    await person('c', { firstName: 'B', lastName: 'A', role: 'administrator' })
    expect(await find({ sort: 'first_name' })).toEqual([3, ['b', 'c', 'a']])
    expect(await find({ sort: 'last_name', ascending: false })).toEqual([3, ['b', 'a', 'c']])
    expect(await find({ sort: 'user_role' })).toEqual([3, ['c', 'b', 'a']])
    expect(await find({ sort: 'created_time', ascending: false })).toEqual([3, ['c', 'b', 'a']])
  })

  it('takes roles and states together with a prefix', async () => {
    const [locked, active, idle] = [await person('pl'), await person('pa', { role: 'publisher' }), await person('pi')]
    const byKey = await person('pk')
    await person('never')
    await pool.query('update person set locked = true where guid = $1', [locked.user])
    await pool.query('update person set active_at = now() where guid = $1', [active.user])
    await pool.query(`update person set active_at = now() - interval '366 days' where guid = $1`, [idle.user])
    const key = randomUUID()
    await pool.query(
      `insert into api_key (guid, position, user_guid, name, role, created_at) values ($1, 1, $2, 'x', 'viewer', now())`,
      [key, byKey.user],
    )
    await pool.query('insert into api_key_use (guid, used_at) values ($1, now())', [key])
    const states = (...statuses: AccountStatus[]) => find({ statuses })
    expect(await states('locked')).toEqual([1, ['pl']])
    expect(await states('licensed')).toEqual([2, ['pa', 'pk']])
    expect(await states('inactive')).toEqual([2, ['never', 'pi']])
    expect(await states('locked', 'inactive')).toEqual([3, ['never', 'pi', 'pl']])
    expect(await find({ prefix: 'p', roles: ['viewer'], statuses: ['licensed'] })).toEqual([1, ['pk']])
    expect(await find({ roles: ['publisher', 'administrator'] })).toEqual([1, ['pa']])
    expect(await find({ only: active.user })).toEqual([1, ['pa']])
    expect(await find({ only: active.user, prefix: 'x' })).toEqual([0, []])
    expect((await users.page(filter({ prefix: 'pk' }))).users[0]?.activeAt).toBeInstanceOf(Date)
  })
})

describe('the plan of a search', () => {
  beforeAll(async () => {
    // With a commit that waits for the log: only then is it known at once that all may see the rows.
    await pool.query(`
      begin; set local synchronous_commit = on;
      insert into person (guid, position, role, locked, profile_version, created_at, updated_at)
      select gen_random_uuid(), 1000000 + n, 'viewer', false, 1, now(), now() from generate_series(1, 20000) as n;
      insert into profile (user_guid, version, username, first_name, last_name, email, external_id)
      select guid, 1, chr(97 + (position % 26)::int) || md5(guid::text), initcap(md5(guid::text || 'f')),
        initcap(chr(97 + (position % 23)::int) || md5(guid::text || 'l')), '', guid::text from person where position > 1000000;
      commit`)
    await database.ownerPool().query('vacuum analyze profile, person')
  })

  it.each(['a', 'ab', 'abc', 'x'])('reads neither all people nor all profiles for the prefix %j', async (prefix) => {
    for (const changes of [{}, { sort: 'last_name' as const }, { ascending: false, page: 3 }]) {
      const { text, values } = searchOf(filter({ prefix, ...changes }))
      const { rows } = await pool.query<{ 'QUERY PLAN': string }>(`explain ${text}`, values)
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
      expect(plan).toMatch(/profile_username_key[\s\S]*profile_first_name_key[\s\S]*profile_last_name_key/)
      expect(plan).not.toMatch(/Seq Scan on (?:profile|person)/)
    }
  })

  it('looks through the API keys once, however many people there are', async () => {
    for (const statuses of [['licensed'], ['inactive'], ['locked', 'licensed']] as const) {
      const { text, values } = searchOf(filter({ statuses }))
      const { rows } = await pool.query<{ 'QUERY PLAN': string }>(`explain ${text}`, values)
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
      expect(plan.match(/hashed SubPlan/g)?.length).toBeGreaterThanOrEqual(2)
    }
  })

  it('reads the first page of everybody by the index of the order', async () => {
    const { text, values } = searchOf(filter({}))
    const { rows } = await pool.query<{ 'QUERY PLAN': string }>(`explain ${text}`, values)
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
    expect(plan).toMatch(/Index (?:Only )?Scan using profile_username_key/)
    // Their number is counted, the page is not looked for among them.
    expect(plan).not.toMatch(/Seq Scan on profile/)
  })
})
