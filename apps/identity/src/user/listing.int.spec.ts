import type { Pool } from 'pg'
import { DataSource } from 'typeorm'
import type { Actor } from '#libs/contracts'
import { freshDatabase, type FreshDatabase } from '#libs/testing'
import { identityUnderTest, keyOf, type IdentityUnderTest } from '../identity-under-test.conformance.js'
import { somebody, type PersonActor } from './people.conformance.js'

const USERS = '/__api__/v1/users'

let database: FreshDatabase
let pool: Pool
let service: IdentityUnderTest
let alice: PersonActor
let vera: PersonActor
let paul: PersonActor

const start = async (settings: string): Promise<void> => {
  service = await identityUnderTest(database, undefined, { sections: settings })
}
beforeEach(async () => {
  database = await freshDatabase('identity')
  pool = database.pool()
  alice = await somebody(pool, 'administrator', { username: 'alice', email: 'alice@a.org' })
  vera = await somebody(pool, 'viewer', { username: 'vera', email: 'vera@a.org', lastName: 'von "V"' })
  paul = await somebody(pool, 'publisher', { username: 'paul', email: 'paul@a.org', firstName: '=1+1' })
})
afterEach(async () => {
  await service.close()
  await database.drop()
})

interface Listed {
  username: string
  email: string
  external_id?: string
}
const list = async (actor: Actor, query = '') => {
  const answer = await service.get(`${USERS}?${query}`, actor)
  return answer.json<{ results: Listed[]; current_page: number; total: number }>()
}
const names = async (actor: Actor, query = '') => {
  const { results, total } = await list(actor, query)
  return [total, results.map(({ username }) => username)]
}

describe('the list of people', () => {
  it('D04 D06 shows everybody to everybody, and unique IDs to administrators and the person', async () => {
    await start('')
    expect(await names(vera)).toEqual([3, ['alice', 'paul', 'vera']])
    const idsOf = async (actor: Actor) =>
      (await list(actor)).results.filter((user) => 'external_id' in user).map(({ username }) => username)
    expect(await idsOf(vera)).toEqual(['vera'])
    expect(await idsOf(paul)).toEqual(['paul'])
    expect(await idsOf(alice)).toEqual(['alice', 'paul', 'vera'])
  })

  it('D04 shows viewers nobody but themselves where it is set so, however they ask', async () => {
    await start('[Authorization]\nViewersCanOnlySeeThemselves = true')
    expect(await names(vera)).toEqual([1, ['vera']])
    expect(await names(vera, 'prefix=a')).toEqual([0, []])
    expect(await names(vera, 'prefix=von&sort=user_role')).toEqual([1, ['vera']])
    expect(await names(vera, 'user_role=administrator')).toEqual([0, []])
    expect(await names(paul)).toEqual([3, ['alice', 'paul', 'vera']])
    expect(await names(keyOf(alice.user, 'viewer'))).toEqual([1, ['alice']])
    const [others, nobodys] = await Promise.all(
      [alice.user, '00000000-0000-4000-8000-0000000000ff'].map((guid) => service.get(`${USERS}/${guid}`, vera)),
    )
    expect([others!.status, others!.text]).toEqual([404, nobodys!.text])
    expect((await service.get(`${USERS}/${vera.user}`, vera)).status).toBe(200)
  })

  it('hides the e-mail addresses of others from all but administrators where it is set so', async () => {
    const hidden = '[Server]\nHideEmailAddresses = true'
    await start(hidden)
    const emails = async (actor: Actor) => (await list(actor)).results.map(({ email }) => email)
    expect(await emails(paul)).toEqual(['', 'paul@a.org', ''])
    expect(await emails(alice)).toEqual(['alice@a.org', 'paul@a.org', 'vera@a.org'])
    expect((await service.get(`${USERS}/${alice.user}`, paul)).json()).toMatchObject({ email: '' })
    expect((await service.get(`/__api__/v1/user`, paul)).json()).toMatchObject({ email: 'paul@a.org' })
  })

  it('takes the words that clients use', async () => {
    await start('')
    expect(await names(vera, 'user_role=administrator%7Cpublisher&asc_order=False')).toEqual([2, ['paul', 'alice']])
    expect(await names(vera, 'sort=first_name&page_size=1&page_number=3')).toEqual([3, ['paul']])
    expect(await names(vera, 'user_role=administrator&user_role=publisher')).toEqual([2, ['alice', 'paul']])
    expect(await names(vera, 'account_status=inactive|locked')).toEqual([3, ['alice', 'paul', 'vera']])
    expect(await names(vera, 'unknown=1&prefix=')).toEqual([3, ['alice', 'paul', 'vera']])
  })

  it('ends a search that takes too long', async () => {
    await start('')
    expect(await service.app.get(DataSource).query('show statement_timeout')).toEqual([{ statement_timeout: '10s' }])
  })

  it.each([
    ['page_number=0', 25],
    ['page_size=501', 25],
    ['page_size=many', 25],
    ['asc_order=perhaps', 25],
    ['sort=email', 25],
    ['account_status=gone', 25],
    ['account_status=locked&account_status=gone', 25],
    ['user_role=viewer&user_role=boss', 112],
    ['user_role=boss', 112],
    ['prefix=a&prefix=b', 25],
    ['prefix=%00', 25],
  ])('refuses %s', async (query, code) => {
    await start('')
    const answer = await service.get(`${USERS}?${query}`, vera)
    expect([answer.status, answer.json().code]).toEqual([400, code])
  })

  it('is a table for administrators who ask for one, in which nothing is a formula', async () => {
    await start('')
    const table = (actor: Actor, accept: string) =>
      service.request({ path: `${USERS}?page_size=2&page_number=2&asc_order=false`, actor, headers: { accept } })
    const answer = await table(alice, 'text/csv')
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'text/csv; charset=utf-8; header=present'])
    const heading =
      'guid,username,first_name,last_name,email,user_role,created_time,updated_time,active_time,confirmed,locked,external_id'
    const [first, second, ...rest] = answer.text.split('\r\n')
    expect([first, rest]).toEqual([heading, ['']])
    expect(second).toMatch(/^[0-9a-f-]{36},alice,,,alice@a.org,administrator,.*Z,.*Z,,true,false,/)
    const whole = await service.request({ path: USERS, actor: alice, headers: { accept: 'text/csv' } })
    expect(whole.text).toContain(`,paul,'=1+1,`)
    expect(whole.text).toContain(`,vera,,"von ""V""",`)
    expect((await table(alice, '*/*')).json()).toMatchObject({ total: 3 })
    expect((await table(paul, 'text/csv')).status).toBe(403)
  })

  it('GET /me is the caller, with what older clients look for', async () => {
    await start('')
    const user = (await service.get('/__api__/v1/user', vera)).json()
    expect((await service.get('/__api__/me', vera)).json()).toEqual({ ...user, privileges: [], preferences: {} })
    const nobody = await service.request({ path: '/__api__/me' })
    expect([nobody.status, nobody.json().code]).toEqual([401, 24])
  })

  it('DISC-06 is asked for without a call to anybody else', async () => {
    // The provider of this service is a port at which nobody listens: a call would fail.
    await start('')
    expect(await names(alice, 'prefix=v')).toEqual([1, ['vera']])
  })
})
