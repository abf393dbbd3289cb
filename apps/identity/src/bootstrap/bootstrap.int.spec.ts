import type { Pool } from 'pg'
import { freshDatabase, type FreshDatabase } from '#libs/testing'
import { identityUnderTest, type IdentityUnderTest } from '../identity-under-test.conformance.js'

let database: FreshDatabase
let pool: Pool
let services: IdentityUnderTest[]

beforeEach(async () => {
  database = await freshDatabase('identity')
  pool = database.pool()
  services = await Promise.all([identityUnderTest(database), identityUnderTest(database)])
})
afterEach(async () => {
  await Promise.all(services.map((service) => service.close()))
  await database.drop()
})

const count = async (table: string): Promise<number> =>
  (await pool.query<{ count: number }>(`select count(*)::int as count from ${table}`)).rows[0]!.count

describe('bootstrap', () => {
  it('makes the administrator `admin`, whose key works at once', async () => {
    const [service] = services as [IdentityUnderTest]
    const answer = await service.bootstrap('/__api__/v1/experimental/bootstrap')
    expect(answer.status).toBe(200)
    const { api_key: key } = answer.json<{ api_key: string }>()
    const asserted = (await service.assert(key, 'api_key')).json<{
      actor: { user: string; type: 'key'; role: 'administrator'; guid: string }
    }>()
    expect(asserted.actor).toMatchObject({ type: 'key', role: 'administrator' })
    expect((await service.get('/__api__/v1/user', asserted.actor)).json()).toMatchObject({
      guid: asserted.actor.user,
      username: 'admin',
      user_role: 'administrator',
      active_time: expect.stringMatching(/Z$/) as string,
    })
    const { rows } = await pool.query<{ everything: string }>(
      `select (select string_agg(e::text, '') from event e) || (select string_agg(h::text, '') from api_key_hash h) as everything`,
    )
    expect(rows[0]?.everything).not.toContain(key.split('_')[2])
  })

  it('is refused once there is somebody', async () => {
    const [service] = services as [IdentityUnderTest]
    await service.bootstrap()
    const answer = await service.bootstrap()
    expect([answer.status, answer.json()]).toEqual([
      403,
      { code: 165, error: 'There are users already; log in instead.', payload: null },
    ])
  })

  it('is refused without a good token', async () => {
    const [service] = services as [IdentityUnderTest]
    const answer = await service.request({
      method: 'POST',
      path: '/__api__/v1/bootstrap',
      headers: { 'keybearer-bootstrap': 'a.b.c' },
    })
    expect([answer.status, answer.json().code]).toEqual([401, 166])
    expect(await count('event')).toBe(0)
  })

  it('has one winner, however many come at once, and leaves no key behind for the others', async () => {
    const answers = await Promise.all(
      [...services, ...services, ...services, ...services].map((service) => service.bootstrap()),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(7).fill(403)])
    expect([await count('person'), await count('api_key'), await count('api_key_hash')]).toEqual([1, 1, 1])
    const winner = answers.find(({ status }) => status === 200)!
    expect((await services[0]!.assert(winner.json<{ api_key: string }>().api_key, 'api_key')).status).toBe(200)
  })
})
