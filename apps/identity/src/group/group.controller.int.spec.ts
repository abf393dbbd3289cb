import { randomUUID } from 'node:crypto'
import type { Actor, Role } from '#libs/contracts'
import { eventually } from '#libs/testing'
import { keyOf } from '../identity-under-test.conformance.js'
import type { PersonActor } from '../user/people.conformance.js'
import { GROUPS, GroupsUnderTest } from './groups-under-test.conformance.js'

type Answer = Awaited<ReturnType<GroupsUnderTest['patch']>>

/** Somebody who never logged in; good for permissions. */
const someone = (role: Role): Actor & { type: 'key' } => keyOf(randomUUID(), role) as Actor & { type: 'key' }
const outcome = ({ status, text, json }: Answer): [number, number?] =>
  text === '' ? [status] : [status, json<{ code: number }>().code]
const unique = (name: string): string => `${name} ${randomUUID().slice(0, 8)}`

describe('groups', () => {
  let house: GroupsUnderTest
  let alice: GroupsUnderTest['alice']
  const post = (actor: Actor, body: unknown, headers = {}) => house.service.post(GROUPS, actor, body, headers)
  beforeAll(async () => {
    house = await GroupsUnderTest.open('')
    alice = house.alice
  })
  afterAll(() => house?.close())

  it('API-06 GRP-19 GRP-26 GRP-44 are made, shown, renamed and removed, and belong to their maker', async () => {
    const name = unique('analysts')
    const made = await post(alice, { name })
    const guid = made.json<{ guid: string }>().guid
    expect([made.status, made.json()]).toEqual([200, { guid, name, owner_guid: (alice as { user: string }).user }])
    expect((await house.service.get(`${GROUPS}/${guid}`, someone('viewer'))).json()).toEqual(made.json())
    expect((await house.page(`?prefix=${encodeURIComponent(name.toUpperCase())}`)).results).toEqual([made.json()])
    const renamed = unique('scientists')
    expect((await house.patch(guid, { name: renamed })).json()).toEqual({ ...made.json(), name: renamed })
    const again = await house.service.post(`${GROUPS}/${guid}`, alice, { name })
    expect([again.status, again.json()]).toEqual([200, made.json()])
    expect((await house.remove(`/${guid}`)).status).toBe(204)
    expect(outcome(await house.service.get(`${GROUPS}/${guid}`, alice))).toEqual([404, 153])
    expect(outcome(await house.remove(`/${guid}`))).toEqual([404, 153])
    expect(outcome(await house.patch(guid, { name }))).toEqual([404, 153])
    expect(outcome(await house.service.get(`${GROUPS}/x`, alice))).toEqual([400, 3])
  })

  it('GRP-30b have names of their own, until one is renamed or removed', async () => {
    const [one, two] = [unique('one'), unique('two')]
    const guid = await house.make(one)
    const other = await house.make(two)
    expect(outcome(await post(alice, { name: one }))).toEqual([409, 15])
    expect(outcome(await house.patch(other, { name: one }))).toEqual([409, 15])
    expect((await post(alice, { name: one.toUpperCase() })).status).toBe(200)
    await house.patch(guid, { name: unique('elsewhere') })
    expect((await house.patch(other, { name: one })).status).toBe(200)
    await house.remove(`/${other}`)
    expect((await post(alice, { name: one })).status).toBe(200)
  })

  it.each([
    ['an empty name', { name: '' }, 14],
    ['a blank name', { name: '  ' }, 14],
    ['a long name', { name: 'x'.repeat(256) }, 14],
    ['a name that is no text', { name: 7 }, 14],
    ['no name', {}, 14],
  ])('cannot be made with %s', async (_, body, code) => {
    expect(outcome(await post(alice, body))).toEqual([400, code])
  })

  it('GRP-34 have no unique ID of the provider’s', async () => {
    expect(outcome(await post(alice, { name: 'x', unique_id: '7c9e' }))).toEqual([400, 25])
    expect((await post(alice, { name: unique('x'), unique_id: null })).status).toBe(200)
  })

  it('are made once for a repeated request', async () => {
    const headers = { 'idempotency-key': randomUUID() }
    const body = { name: unique('repeated') }
    const first = await post(alice, body, headers)
    expect((await post(alice, body, headers)).json()).toEqual(first.json())
    const guid = first.json<{ guid: string }>().guid
    const user = await house.login(unique('repeater'))
    const key = { 'idempotency-key': randomUUID() }
    const twice = async (call: () => Promise<Answer>) => [(await call()).status, (await call()).status]
    expect(await twice(() => house.add(guid, user, alice, key))).toEqual([204, 204])
    expect(await twice(() => house.remove(`/${guid}`, alice, key))).toEqual([204, 204])
  })

  it('GRP-09 are made by administrators only', async () => {
    for (const role of ['publisher', 'viewer'] as const) {
      expect(outcome(await post(someone(role), { name: unique('mine') }))).toEqual([403, 22])
    }
    expect(outcome(await house.service.request({ method: 'PUT', path: GROUPS, actor: someone('publisher') }))).toEqual([
      403, 22,
    ])
  })

  it('cannot be taken over from the provider by a ticket, nor searched there', async () => {
    const put = await house.service.request({ method: 'PUT', path: GROUPS, actor: alice, body: { temp_ticket: 't' } })
    expect(outcome(put)).toEqual([400, 119])
    expect(outcome(await house.service.get(`${GROUPS}/remote?prefix=a`, alice))).toEqual([400, 132])
  })

  it('are listed in pages of exactly three members, by name, and found by prefix', async () => {
    const prefix = unique('p%_\\')
    for (const name of ['b', 'A', 'c', 'Ä']) await house.make(`${prefix}-${name}`)
    const list = async (query: string) => {
      const page = await house.page(`?prefix=${encodeURIComponent(prefix)}&${query}`)
      expect(Object.keys(page)).toEqual(['results', 'current_page', 'total'])
      return [page.total, page.results.map(({ name }) => name.slice(prefix.length + 1))]
    }
    expect(await list('')).toEqual([4, ['A', 'b', 'c', 'Ä']])
    expect(await list('page_size=3&page_number=2')).toEqual([4, ['Ä']])
    expect(await list('page_size=1&page_number=9')).toEqual([4, []])
    expect((await house.page(`?prefix=${encodeURIComponent(prefix)}-Ä`)).total).toBe(1)
    expect((await house.page('?prefix=p%25x')).total).toBe(0)
    expect(outcome(await house.service.get(`${GROUPS}?page_size=501`, alice))).toEqual([400, 25])
  })

  describe('have owners', () => {
    it('who manage them: rename, members, remove', async () => {
      const owner = await house.publisher(unique('olga'))
      const olga = keyOf(owner, 'publisher')
      const guid = await house.make(unique('given'))
      const given = await house.patch(guid, { owner_guid: owner.toUpperCase() })
      expect([given.status, given.json().owner_guid]).toEqual([200, owner])
      const member = await house.login(unique('mia'))
      expect((await house.add(guid, member, olga)).status).toBe(204)
      expect((await house.patch(guid, { name: unique('ours') }, olga)).status).toBe(200)
      expect((await house.remove(`/${guid}/members/${member}`, olga)).status).toBe(204)
      const paul = someone('publisher')
      expect(outcome(await house.patch(guid, { name: 'theirs' }, paul))).toEqual([403, 22])
      expect(outcome(await house.add(guid, member, paul))).toEqual([403, 22])
      expect(outcome(await house.remove(`/${guid}`, paul))).toEqual([403, 22])
      expect(outcome(await house.remove(`/${guid}`, keyOf(owner, 'viewer')))).toEqual([403, 22])
      expect((await house.remove(`/${guid}`, olga)).status).toBe(204)
    })

    it('who exist and can publish, and never nobody', async () => {
      const guid = await house.make(unique('owned'))
      expect(outcome(await house.patch(guid, { owner_guid: null }))).toEqual([400, 66])
      expect(outcome(await house.patch(guid, { owner_guid: randomUUID() }))).toEqual([404, 9])
      expect(outcome(await house.patch(guid, { owner_guid: 'x' }))).toEqual([400, 25])
      const viewer = await house.login(unique('vera'))
      expect(outcome(await house.patch(guid, { owner_guid: viewer }))).toEqual([403, 156])
    })
  })

  it('get no owner who is being deleted', async () => {
    const [guid, owner] = [await house.make(unique('owned')), await house.publisher(unique('olga'))]
    const deletion = await house.pool.connect()
    try {
      await deletion.query('begin')
      await deletion.query('delete from person where guid = $1', [owner])
      const given = house.patch(guid, { owner_guid: owner })
      await eventually(async () => {
        const { rowCount } = await house.pool.query(
          `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
        return rowCount === 1
      })
      await deletion.query('commit')
      expect(outcome(await given)).toEqual([404, 9])
    } finally {
      deletion.release()
    }
  })

  describe('have members', () => {
    it('GRP-26 who are added once, listed as they came, and removed', async () => {
      const guid = await house.make(unique('crowd'))
      const people = [await house.login(unique('z')), await house.login(unique('y')), await house.login(unique('x'))]
      for (const person of people) expect((await house.add(guid, person)).status).toBe(204)
      expect(outcome(await house.add(guid, people[0]!))).toEqual([409, 16])
      const members = async (query = '') => {
        const page = await house.page<{ guid: string; username: string }>(`/${guid}/members${query}`)
        expect(Object.keys(page)).toEqual(['results', 'current_page', 'total'])
        return [page.total, page.results.map(({ guid }) => guid)]
      }
      expect(await members()).toEqual([3, people])
      expect(await members('?page_size=2&page_number=2')).toEqual([3, [people[2]]])
      const [first] = (await house.page(`/${guid}/members`)).results
      expect(first).toEqual((await house.service.get(`/__api__/v1/users/${people[0]}`, alice)).json())
      expect((await house.remove(`/${guid}/members/${people[0]}`)).status).toBe(204)
      expect(await members()).toEqual([2, people.slice(1)])
      expect(outcome(await house.remove(`/${guid}/members/${people[0]}`))).toEqual([404, 17])
      expect(outcome(await house.add(guid, randomUUID()))).toEqual([404, 9])
      expect(outcome(await house.add(guid, 'x'))).toEqual([400, 3])
      expect(outcome(await house.add(randomUUID(), people[0]!))).toEqual([404, 153])
      expect(outcome(await house.service.get(`${GROUPS}/${randomUUID()}/members`, alice))).toEqual([404, 153])
    })

    it('who can be added and removed under an idempotency key that was refused before', async () => {
      const [guid, user] = [await house.make(unique('again')), await house.login(unique('member'))]
      const [add, remove] = [0, 1].map(() => ({ 'idempotency-key': randomUUID() }))
      const path = `/${guid}/members/${user}`
      expect(outcome(await house.remove(path, alice, remove))).toEqual([404, 17])
      expect((await house.add(guid, user)).status).toBe(204)
      expect(outcome(await house.add(guid, user, alice, add))).toEqual([409, 16])
      for (let count = 0; count < 2; count++) expect((await house.remove(path, alice, remove)).status).toBe(204)
      for (let count = 0; count < 2; count++) expect((await house.add(guid, user, alice, add)).status).toBe(204)
      expect((await house.page(`/${guid}/members`)).total).toBe(1)
    })

    it('ten a page unless told', async () => {
      const guid = await house.make(unique('many'))
      for (let number = 0; number < 11; number++) await house.add(guid, await house.login(unique('member')))
      const page = await house.page(`/${guid}/members`)
      expect([page.results.length, page.total]).toEqual([10, 11])
    })

    it('who may leave by themselves, and remove nobody else', async () => {
      const guid = await house.make(unique('free'))
      const [vera, tom] = [await house.login(unique('vera')), await house.login(unique('tom'))]
      for (const person of [vera, tom]) await house.add(guid, person)
      expect(outcome(await house.remove(`/${guid}/members/${tom}`, keyOf(vera, 'viewer')))).toEqual([403, 22])
      expect(outcome(await house.add(guid, tom, keyOf(tom, 'viewer')))).toEqual([403, 22])
      expect((await house.remove(`/${guid}/members/${vera}`, keyOf(vera, 'viewer'))).status).toBe(204)
    })

    it('who are made so by no key that content has for a visit of theirs', async () => {
      const [guid, owner] = [await house.make(unique('closed')), await house.publisher(unique('olga'))]
      await house.patch(guid, { owner_guid: owner })
      const visit: Actor = { ...(keyOf(owner, 'publisher') as PersonActor & { type: 'key' }), visit: randomUUID() }
      for (const spelled of [owner, owner.toUpperCase()])
        expect(outcome(await house.add(guid, spelled, visit))).toEqual([403, 22])
      expect(await house.groupsOf(owner)).toEqual([])
      expect((await house.add(guid, owner, keyOf(owner, 'publisher'))).status).toBe(204)
    })

    it('GRP-17 who lose nothing but the group when it is removed, in one event', async () => {
      const guid = await house.make(unique('gone'))
      const user = await house.login(unique('stays'))
      await house.add(guid, user)
      const events = async () =>
        Number((await house.pool.query<{ count: string }>('select count(*) from event')).rows[0]?.count)
      const before = await events()
      await house.remove(`/${guid}`)
      expect(await events()).toBe(before + 1)
      expect(await house.groupsOf(user)).toEqual([])
      expect((await house.service.get(`/__api__/v1/users/${user}`, alice)).status).toBe(200)
    })
  })
})

describe('groups that publishers can own', () => {
  it('are made by publishers, not by viewers', async () => {
    const house = await GroupsUnderTest.open('', { sections: '[Authorization]\nPublishersCanOwnGroups = true' })
    try {
      await house.login('first')
      const paul = keyOf(await house.publisher('paul'), 'publisher') as PersonActor
      const made = await house.service.post(GROUPS, paul, { name: 'ours' })
      expect([made.status, made.json().owner_guid]).toEqual([200, paul.user])
      expect(outcome(await house.service.post(GROUPS, someone('viewer'), { name: 'mine' }))).toEqual([403, 22])
    } finally {
      await house.close()
    }
  })
})

describe('members before viewers who can only see themselves', () => {
  it('are nobody but themselves', async () => {
    const house = await GroupsUnderTest.open('', { sections: '[Authorization]\nViewersCanOnlySeeThemselves = true' })
    try {
      const guid = await house.make('both')
      const [vera, tom] = [await house.login('vera'), await house.login('tom')]
      for (const person of [vera, tom]) await house.add(guid, person)
      const seenBy = async (actor: Actor) => {
        const page = await house.page(`/${guid}/members`, actor)
        return [page.total, page.results.map(({ guid }) => guid)]
      }
      expect(await seenBy(keyOf(vera, 'viewer'))).toEqual([1, [vera]])
      expect(await seenBy(someone('viewer'))).toEqual([0, []])
      expect(await seenBy(someone('publisher'))).toEqual([2, [vera, tom]])
    } finally {
      await house.close()
    }
  })
})

describe('groups that logins make', () => {
  it('GRP-18 GRP-19 GRP-44 beside those of the API, whose owners can be cleared and not set', async () => {
    const house = await GroupsUnderTest.open('GroupsAutoProvision = true')
    try {
      await house.login('vera', ['theirs'])
      const theirs = (await house.all()).get('theirs')!
      const ours = await house.make('ours')
      const { user } = house.alice as { user: string }
      expect((await house.service.get(`${GROUPS}/${ours}`, house.alice)).json().owner_guid).toBe(user)
      const owner = await house.publisher('olga')
      expect(outcome(await house.patch(theirs, { owner_guid: owner }))).toEqual([400, 66])
      expect((await house.patch(ours, { owner_guid: null })).json().owner_guid).toBeNull()
      expect((await house.patch(theirs, { name: 'renamed' })).status).toBe(200)
      expect(outcome(await house.service.post(GROUPS, house.alice, { name: 'renamed' }))).toEqual([409, 15])
    } finally {
      await house.close()
    }
  })
})

describe('groups matched by unique ID', () => {
  let house: GroupsUnderTest
  const post = (body: unknown) => house.service.post(GROUPS, house.alice, body)
  beforeAll(async () => {
    house = await GroupsUnderTest.open('GroupsByUniqueId = true')
  })
  afterAll(() => house?.close())

  it('API-07 GRP-34 GRP-35 GRP-36 GRP-44 are made with one, which nobody else has, under any name', async () => {
    expect((await post({ name: 'Twins', unique_id: 'one' })).status).toBe(200)
    const two = await post({ name: 'Twins', unique_id: 'two' })
    expect([two.status, Object.keys(two.json())]).toEqual([200, ['guid', 'name', 'owner_guid']])
    expect(outcome(await post({ name: 'Others', unique_id: 'one' }))).toEqual([400, 131])
    expect(outcome(await post({ name: 'Others', unique_id: ' ' }))).toEqual([400, 130])
    expect(outcome(await post({ name: 'Others', unique_id: 7 }))).toEqual([400, 130])
    expect(outcome(await post({ name: 'Others' }))).toEqual([400, 130])
    await house.remove(`/${two.json<{ guid: string }>().guid}`)
    expect((await post({ name: 'Others', unique_id: 'two' })).status).toBe(200)
  })

  it('API-06 GRP-44 are renamed to any name, and GRP-05 have members by API', async () => {
    const guid = await house.make('A', 'a')
    await house.make('B', 'b')
    expect((await house.patch(guid, { name: 'B' })).json().name).toBe('B')
    const user = await house.login('vera')
    expect((await house.add(guid, user)).status).toBe(204)
    expect(await house.groupsOf(user)).toEqual(['B'])
  })
})

describe('groups that are off', () => {
  it('GRP-28 CFG-39 are spoken of nowhere', async () => {
    const house = await GroupsUnderTest.open('GroupsClaim = ""', { sections: '[Authorization]\nUserGroups = false' })
    try {
      const guid = randomUUID()
      const calls = [
        ['GET', ''],
        ['POST', '', { name: 'x' }],
        ['PUT', '', { temp_ticket: 'x' }],
        ['GET', '/remote'],
        ['GET', `/${guid}`],
        ['PATCH', `/${guid}`, { name: 'x' }],
        ['POST', `/${guid}`, { name: 'x' }],
        ['DELETE', `/${guid}`],
        ['GET', `/${guid}/members`],
        ['POST', `/${guid}/members`, { user_guid: guid }],
        ['DELETE', `/${guid}/members/${guid}`],
      ] as const
      for (const [method, path, body] of calls) {
        const answer = await house.service.request({ method, path: GROUPS + path, actor: house.alice, body })
        expect([method, path, ...outcome(answer)]).toEqual([method, path, 400, 132])
        expect(answer.json().error).toMatch(/Groups are off/)
      }
    } finally {
      await house.close()
    }
  })
})

describe('ten thousand groups', () => {
  it('are found by prefix from an index, with an exact total', async () => {
    const house = await GroupsUnderTest.open('')
    try {
      await house.pool.query(
        `insert into user_group (guid, position, name, created_at)
         select gen_random_uuid(), 1000000 + n, 'Team ' || to_char(n, 'FM00000'), now() from generate_series(1, 10000) n`,
      )
      await house.pool.query('analyze user_group').catch(() => undefined)
      const { rows } = await house.pool.query<{ 'QUERY PLAN': string }>(
        `explain select count(*) from user_group where lower(name) collate "C" like 'team 0012%'`,
      )
      expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toMatch(/user_group_sorted/)
      const page = await house.page('?prefix=TEAM%200012&page_size=5&page_number=2')
      expect([page.total, page.results.map(({ name }) => name)]).toEqual([
        10,
        ['Team 00125', 'Team 00126', 'Team 00127', 'Team 00128', 'Team 00129'],
      ])
      expect((await house.page('?page_size=1&page_number=10000')).results).toMatchObject([{ name: 'Team 10000' }])
    } finally {
      await house.close()
    }
  })
})
