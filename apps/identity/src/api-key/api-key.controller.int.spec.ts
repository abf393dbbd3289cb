import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import type { Actor } from '#libs/contracts'
import { freshDatabase, type FreshDatabase } from '#libs/testing'
import { identityUnderTest, inBrowser, keyOf, type IdentityUnderTest } from '../identity-under-test.conformance.js'
import { somebody, type PersonActor } from '../user/people.conformance.js'
import { People } from '../user/people.js'
import { ApiKeySweep } from './api-key-sweep.js'
import { ApiKeyUse } from './api-key-use.js'

interface Shown {
  id: string
  key: string
  active_time: string | null
}

let database: FreshDatabase
let pool: Pool
let service: IdentityUnderTest
let alice: PersonActor
let priya: PersonActor

beforeAll(async () => {
  database = await freshDatabase('identity')
  pool = database.pool()
  service = await identityUnderTest(database)
  alice = await somebody(pool, 'administrator', { username: 'alice' })
})
beforeEach(async () => {
  priya = await somebody(pool, 'publisher', { username: `priya-${randomUUID()}` })
})
afterAll(async () => {
  await service.close()
  await database.drop()
})

const keysOf = (owner: PersonActor) => `/__api__/v1/users/${owner.user}/keys`
const create = (body: unknown, actor: Actor = inBrowser(priya)) => service.post(keysOf(priya), actor, body)
const made = async (body: object = {}) => (await create({ name: 'x', ...body })).json<Shown>()
const status = async ({ key }: { key: string }) => (await service.assert(key, 'api_key')).status
const tomorrow = () => new Date(Date.now() + 86_400_000).toISOString()
const guidOf = async (id: string) =>
  (await pool.query<{ guid: string }>('select guid from api_key where position = $1', [id])).rows[0]?.guid

describe('an API key', () => {
  it.each<[string, [number, number], unknown]>([
    ['without a name', [400, 62], {}],
    ['with a blank name', [400, 62], { name: ' \t' }],
    ['with a name that is no text', [400, 62], { name: 7 }],
    ['with a name of 256 characters', [400, 62], { name: 'x'.repeat(256) }],
    ['of a higher role than its owner’s', [400, 234], { name: 'x', user_role: 'administrator' }],
    ['of a role that there is not', [400, 234], { name: 'x', user_role: 'boss' }],
    ['that ends at no time', [400, 136], { name: 'x', expires_at: 'tomorrow' }],
    ['that ends at a time of no zone', [400, 136], { name: 'x', expires_at: '2100-01-01T00:00:00' }],
    ['that ended yesterday', [400, 25], { name: 'x', expires_at: '2020-01-01T00:00:00Z' }],
  ])('is not made %s', async (_, expected, body) => {
    const answer = await create(body)
    expect([answer.status, answer.json().code]).toEqual(expected)
    expect((await service.get(keysOf(priya), priya)).json()).toEqual([])
  })

  it('D26 is shown once; only its hash is stored', async () => {
    const shown = await made({ expires_at: tomorrow() })
    const { rows } = await pool.query<{ text: string }>(
      `select coalesce(string_agg(t, ''), '') as text from (
         select e::text as t from event e union all select h::text from api_key_hash h union all select k::text from api_key k
       ) as everything`,
    )
    expect(rows[0]?.text).not.toContain(shown.key.split('_')[2])
    const again = (await service.get(`${keysOf(priya)}/${shown.id}`, priya)).json<Shown>()
    expect(again).toEqual({ ...shown, key: `…${shown.key.slice(-4)}` })
  })

  it('D02 is nobody’s business but its owner’s, not even an administrator’s', async () => {
    const { id } = await made()
    for (const actor of [alice, keyOf(alice.user, 'viewer')]) {
      for (const request of [
        { path: keysOf(priya) },
        { path: `${keysOf(priya)}/${id}` },
        { path: keysOf(priya), method: 'POST', body: { name: 'x' } },
        { path: `${keysOf(priya)}/${id}`, method: 'DELETE' },
      ] as const) {
        const answer = await service.request({ ...request, actor })
        expect([answer.status, answer.json().code]).toEqual([403, 22])
      }
    }
    const foreign = await service.get(`${keysOf(alice)}/${id}`, alice)
    expect([foreign.status, foreign.json().code]).toEqual([404, 4])
  })

  it('D03 has an id of digits; any other text is the id of none', async () => {
    for (const id of ['x', '-1', '1e3', '9'.repeat(30), '%41', randomUUID()]) {
      expect((await service.get(`${keysOf(priya)}/${id}`, priya)).status).toBe(404)
    }
  })

  it('of a lesser role than its owner’s reads, and changes nothing of the owner’s', async () => {
    const { id } = await made()
    const actor = keyOf(priya.user, 'viewer')
    expect((await service.get(keysOf(priya), actor)).json()).toMatchObject([{ id }])
    for (const request of [
      { path: keysOf(priya), method: 'POST', body: { name: 'x', user_role: 'viewer' } },
      { path: `${keysOf(priya)}/${id}`, method: 'DELETE' },
      { path: `/__api__/v1/users/${priya.user}/sessions`, method: 'DELETE' },
      { path: `/__api__/v1/users/${priya.user}`, method: 'PUT', body: {} },
    ] as const) {
      const answer = await service.request({ ...request, actor })
      expect([answer.status, answer.json().code]).toEqual([403, 22])
    }
    expect((await service.get(keysOf(priya), actor)).json()).toHaveLength(1)
    expect((await service.request({ path: `${keysOf(priya)}/${id}`, method: 'DELETE', actor: priya })).status).toBe(204)
  })

  it('makes none that outlasts it', async () => {
    const end = tomorrow()
    const { id } = await made({ expires_at: end })
    const { expires_at: shown } = (await service.get(`${keysOf(priya)}/${id}`, priya)).json<{ expires_at: string }>()
    const actor: Actor = { type: 'key', guid: (await guidOf(id))!, user: priya.user, role: 'publisher' }
    expect((await create({ name: 'y' }, actor)).json()).toMatchObject({ expires_at: shown })
    const longer = await create({ name: 'y', expires_at: '2100-01-01T00:00:00Z' }, actor)
    expect([longer.status, longer.json()]).toMatchObject([400, { code: 25, error: expect.stringContaining(shown) }])
    expect((await create({ name: 'y', expires_at: new Date(Date.now() + 60_000).toISOString() }, actor)).status).toBe(
      200,
    )
  })

  it.each<[string, (guid: string) => Promise<unknown>]>([
    ['been deleted', (guid) => pool.query('delete from api_key where guid = $1', [guid])],
    ['ended', (guid) => pool.query('update api_key set expires_at = now() where guid = $1', [guid])],
  ])('makes none once it has %s, though it was let in before', async (_, end) => {
    const { id } = await made({ expires_at: tomorrow() })
    const actor: Actor = { type: 'key', guid: (await guidOf(id))!, user: priya.user, role: 'publisher' }
    await end(actor.guid)
    for (const body of [{ name: 'y' }, { name: 'y', expires_at: tomorrow() }]) {
      const answer = await create(body, actor)
      expect([answer.status, answer.json().code]).toEqual([401, 30])
    }
    const { rows } = await pool.query('select from api_key where user_guid = $1 and name = $2', [priya.user, 'y'])
    expect(rows).toEqual([])
  })

  it('makes none of a higher role than it has by now', async () => {
    const { id } = await made({ expires_at: tomorrow() })
    const actor: Actor = { type: 'key', guid: (await guidOf(id))!, user: priya.user, role: 'publisher' }
    await pool.query(`update person set role = 'viewer' where guid = $1`, [priya.user])
    expect((await create({ name: 'y', user_role: 'publisher' }, actor)).json().code).toBe(234)
    expect((await create({ name: 'y' }, actor)).json()).toMatchObject({ user_role: 'viewer' })
  })

  it('D11 follows its owner’s role down and up again, and stops with its owner', async () => {
    const key = await made()
    const role = async () => (await service.assert(key.key, 'api_key')).json<{ actor: { role: string } }>().actor.role
    const give = (to: string) =>
      service.request({ method: 'PUT', path: `/__api__/v1/users/${priya.user}`, actor: alice, body: { user_role: to } })
    await give('viewer')
    expect(await role()).toBe('viewer')
    await give('administrator')
    expect(await role()).toBe('publisher')
    await service.post(`/__api__/v1/users/${priya.user}/lock`, alice, { locked: true })
    expect(await status(key)).toBe(401)
    await service.post(`/__api__/v1/users/${priya.user}/lock`, alice, { locked: false })
    expect(await status(key)).toBe(200)
    const context = { actor: { type: 'operator', name: 'spec' }, commandId: randomUUID() } as const
    await service.app.get(People).delete(priya.user, context)
    expect(await status(key)).toBe(401)
  })

  it('D27 tells when it was last used, about, and nothing is written for every use', async () => {
    const shown = await made()
    expect(shown.active_time).toBeNull()
    expect(await status(shown)).toBe(200)
    const active = async () => (await service.get(`${keysOf(priya)}/${shown.id}`, priya)).json<Shown>().active_time
    const first = await active()
    expect(first).toMatch(/Z$/)
    const guid = (await guidOf(shown.id))!
    const use = service.app.get(ApiKeyUse)
    const usedAt = async () =>
      (await pool.query<{ at: Date }>('select used_at as at from api_key_use where guid = $1', [guid])).rows[0]!.at
    const noted = await usedAt()
    await use.note(guid, new Date(noted.getTime() + 14 * 60_000))
    expect(await usedAt()).toEqual(noted)
    // Another process does not know of the first note, and writes none, either.
    const other = service.app.get(ApiKeyUse).constructor as new (source: unknown) => ApiKeyUse
    const dataSource = { query: (text: string, values: unknown[]) => pool.query(text, values) }
    await new other(dataSource).note(guid, new Date(noted.getTime() + 14 * 60_000))
    expect(await usedAt()).toEqual(noted)
    const later = new Date(noted.getTime() + 15 * 60_000)
    await use.note(guid, later)
    expect(await usedAt()).toEqual(later)
    expect((await service.get(`/__api__/v1/users/${priya.user}`, alice)).json()).toMatchObject({
      active_time: expect.stringMatching(/Z$/) as string,
    })
  })

  it('is as good as ever when its use cannot be noted', async () => {
    const broken = service.app.get(ApiKeyUse).constructor as new (source: unknown) => ApiKeyUse
    const query = () => Promise.reject(new Error('no database'))
    await expect(new broken({ query }).note(randomUUID())).resolves.toBeUndefined()
  })

  it('is removed when its time is over or its owner is gone, by a sweep that others may share', async () => {
    const [over, orphan, good] = [
      await made({ expires_at: tomorrow() }),
      await made(),
      await made({ expires_at: tomorrow() }),
    ]
    await pool.query(`update api_key set expires_at = now() where position = $1`, [over.id])
    await pool.query(`update api_key set user_guid = $2 where position = $1`, [orphan.id, randomUUID()])
    const guids = [await guidOf(over.id), await guidOf(orphan.id)]
    const sweep = service.app.get(ApiKeySweep)
    await Promise.all([sweep.sweep(), sweep.sweep()])
    expect((await service.get(keysOf(priya), priya)).json<Shown[]>().map(({ id }) => id)).toEqual([good.id])
    const { rows } = await pool.query<{ actor: string }>(
      `select meta::json ->> 'actor' as actor from event where type = 'ApiKeyDeleted' and stream_id = any($1)`,
      [guids.map((guid) => `api_key-${guid}`)],
    )
    expect(rows.map(({ actor }) => actor)).toEqual(Array(2).fill('{"type":"service","name":"identity"}'))
    expect((await pool.query('select from api_key_hash where guid = any($1)', [guids])).rowCount).toBe(0)
  })
})
