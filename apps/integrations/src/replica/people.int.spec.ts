import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import { groupContract, userContract, type ChangeMessage, type GroupState, type UserState } from '#libs/contracts'
import { Freshness, OwnerQuestions, Replica, Replicas, TableReplica } from '#libs/messaging'
import { AuthorizationSettings } from '#libs/service'
import { freshDatabase, type FreshDatabase } from '#libs/testing'
import { Principals } from '../content/principals.js'
import { People } from './people.js'

let database: FreshDatabase
let pool: Pool
/** What identity has. */
let identity: Map<string, ChangeMessage>
let asked: string[]
let identityIsDown: boolean

beforeAll(async () => {
  database = await freshDatabase('integrations')
  pool = database.pool()
})
afterAll(() => database.drop())
beforeEach(() => {
  identity = new Map()
  asked = []
  identityIsDown = false
})

/** @param fresh whether the copies may be believed */
function people(fresh: boolean, userGroups = true): { people: People; replicas: Replicas } {
  const freshness = new Freshness()
  if (fresh) {
    freshness.completed('identity')
    const now = new Date().toISOString()
    freshness.heard('identity', 1, { sent_at: now, complete_until: now }, performance.now())
  }
  const questions = new OwnerQuestions((_, guid) => {
    asked.push(guid)
    return identityIsDown ? Promise.reject(new Error('down')) : Promise.resolve(identity.get(guid))
  })
  const replicas = new Replicas(freshness)
  for (const contract of [userContract, groupContract]) {
    replicas.add(new Replica<object>(contract, new TableReplica<object>(contract, pool), freshness, questions))
  }
  return { people: new People(replicas, pool, Object.assign(new AuthorizationSettings(), { userGroups })), replicas }
}

const user = (groups: string[]): UserState => ({
  guid: randomUUID(),
  username: 'vera',
  first_name: 'Vera',
  last_name: 'Viewer',
  email: 'vera@example.com',
  user_role: 'viewer',
  locked: false,
  group_guids: groups,
  sessions: [],
})
const message = (state: UserState | GroupState, version = 1): ChangeMessage => ({
  type: 'username' in state ? 'UserChanged' : 'GroupChanged',
  schema_version: 1,
  revision: 1,
  version,
  cause: [],
  state,
})
const group = (): GroupState => ({ guid: randomUUID(), name: 'analysts' })

describe('the copies of people and groups', () => {
  it('answer names, memberships and groups without asking, while they are fresh', async () => {
    const { people: here, replicas } = people(true)
    const [analysts, admins] = [group(), group()]
    const vera = user([analysts.guid, admins.guid])
    await replicas.of(userContract).handle(message(vera), `identity.user.${vera.guid}`)
    for (const each of [analysts, admins]) {
      await replicas.of(groupContract).handle(message(each), `identity.group.${each.guid}`)
    }
    expect(await here.groupsOf(vera.guid, [analysts.guid, randomUUID()])).toEqual([analysts.guid])
    expect((await here.names([vera.guid])).get(vera.guid)).toEqual({
      guid: vera.guid,
      username: 'vera',
      first_name: 'Vera',
      last_name: 'Viewer',
    })
    expect(asked).toEqual([])
  })

  it('GRP-12 count no group that has been deleted, though nobody’s memberships have changed', async () => {
    const { people: here, replicas } = people(true)
    const analysts = group()
    const vera = user([analysts.guid])
    await replicas.of(userContract).handle(message(vera), `identity.user.${vera.guid}`)
    await replicas.of(groupContract).handle(message(analysts), `identity.group.${analysts.guid}`)
    const deleted = { ...message(analysts, 2), state: null }
    await replicas.of(groupContract).handle(deleted, `identity.group.${analysts.guid}`)
    expect(await here.groupsOf(vera.guid, [analysts.guid])).toEqual([])
  })

  it('know of no groups when they are turned off', async () => {
    const { people: here, replicas } = people(true, false)
    const analysts = group()
    const vera = user([analysts.guid])
    await replicas.of(userContract).handle(message(vera), `identity.user.${vera.guid}`)
    await replicas.of(groupContract).handle(message(analysts), `identity.group.${analysts.guid}`)
    expect(await here.groupsOf(vera.guid, [analysts.guid])).toEqual([])
    expect(await here.group(analysts.guid)).toBeUndefined()
    await expect(new Principals(here).find(analysts.guid, 'group')).rejects.toMatchObject({ code: 'group.not_found' })
    expect(asked).toEqual([])
  })

  it('ask identity for somebody who is missing here, and once only', async () => {
    const { people: here } = people(true)
    const analysts = group()
    const vera = user([analysts.guid])
    for (const state of [vera, analysts]) identity.set(state.guid, message(state))
    expect(await here.groupsOf(vera.guid, [analysts.guid])).toEqual([analysts.guid])
    expect((await here.user(vera.guid))?.username).toBe('vera')
    expect(asked).toEqual([vera.guid, analysts.guid])
  })

  it('answer nothing that hangs on them when they are old and identity is down', async () => {
    const { people: here, replicas } = people(false)
    const vera = user([])
    await replicas.of(userContract).handle(message(vera), `identity.user.${vera.guid}`)
    identityIsDown = true
    await expect(here.user(vera.guid)).rejects.toMatchObject({ code: 'replica.stale' })
    expect((await here.names([vera.guid])).size).toBe(1)
  })
})
