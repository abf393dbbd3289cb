import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import type { Actor, Role } from '#libs/contracts'
import { freshDatabase, natsUrl, serviceUnderTest, type FreshDatabase, type ServiceUnderTest } from '#libs/testing'
import { AppModule } from '../app.module.js'
import { INTEGRATIONS_SETTINGS } from '../config.js'

const person = (guid: string, role: Role): Actor => ({ type: 'key', guid, user: guid, role })
const operator: Actor = { type: 'operator', name: 'ada' }

let database: FreshDatabase
let pool: Pool
let service: ServiceUnderTest
let priya: string
let paul: string

beforeAll(async () => {
  database = await freshDatabase('integrations')
  pool = database.pool()
  service = await serviceUnderTest({
    name: 'integrations',
    module: AppModule,
    settings: INTEGRATIONS_SETTINGS,
    databaseUrl: database.url,
    natsUrl: natsUrl(),
  })
})
afterAll(async () => {
  await service?.close()
  await database?.drop()
})
beforeEach(() => {
  priya = randomUUID()
  paul = randomUUID()
})

const register = async (owner: string, name: string): Promise<string> => {
  const actor = person(owner, 'publisher')
  const answer = await service.request({ method: 'POST', path: '/__api__/v1/content', actor, body: { name } })
  return answer.json<{ guid: string }>().guid
}
const owned = async (guid: string) => {
  const answer = await service.request({ path: `/internal/owners/${guid}/content`, caller: 'identity' })
  return answer.json<{ content: { name: string }[] }>().content.map(({ name }) => name)
}
const transfer = (actor: Actor = operator, caller: 'identity' | 'gateway' = 'identity') =>
  service.request({
    method: 'POST',
    path: `/internal/owners/${priya}/content-transfer`,
    caller,
    actor,
    body: { target_guid: paul },
  })

describe('giving all content of one owner to another', () => {
  it('CLI-07 leaves an event with the operator as actor for each item', async () => {
    const [one, two] = [await register(priya, 'sales'), await register(priya, 'stock')]
    const answer = await transfer()
    expect(answer.status).toBe(200)
    expect(answer.json<{ content: object[] }>().content).toEqual([
      { guid: one, name: 'sales', title: null },
      { guid: two, name: 'stock', title: null },
    ])
    expect([await owned(priya), await owned(paul)]).toEqual([[], ['sales', 'stock']])
    const { rows } = await pool.query<{ data: string; meta: string }>(
      `select data, meta from log.event where type = 'ContentOwnerChanged' order by position`,
    )
    expect(rows.map(({ data }) => JSON.parse(data))).toEqual([{ ownerGuid: paul }, { ownerGuid: paul }])
    for (const { meta } of rows) expect(JSON.parse(meta)).toMatchObject({ actor: operator })
  })

  it('gives nothing the second time, and leaves the former owner their names', async () => {
    await register(priya, 'sales')
    await transfer()
    expect((await transfer()).json()).toEqual({ content: [] })
    await register(priya, 'sales')
    expect([await owned(priya), await owned(paul)]).toEqual([['sales'], ['sales']])
  })

  it('gives nothing when both have content of one name, and says which', async () => {
    await register(priya, 'stock')
    await register(priya, 'sales')
    await register(paul, 'sales')
    const answer = await transfer()
    expect([answer.status, answer.json()['error']]).toEqual([409, expect.stringContaining('sales')])
    expect([await owned(priya), await owned(paul)]).toEqual([['stock', 'sales'], ['sales']])
  })

  it('is for the operator alone, through identity', async () => {
    await register(priya, 'sales')
    const admin = person(randomUUID(), 'administrator')
    const refused = [
      await transfer(admin),
      await transfer(operator, 'gateway'),
      await service.request({ path: `/internal/owners/${priya}/content`, actor: admin }),
    ]
    expect(refused.map(({ status }) => status)).toEqual([403, 403, 403])
    expect(await owned(paul)).toEqual([])
  })
})
