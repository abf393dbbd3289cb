import { randomUUID } from 'node:crypto'
import { createLocalJWKSet, jwtVerify } from 'jose'
import type { Pool } from 'pg'
import { guidOfKey, TOKEN_TYP, type Actor } from '#libs/contracts'
import { freshDatabase, type FreshDatabase } from '#libs/testing'
import { ApiKeySweep } from '../api-key/api-key-sweep.js'
import { FakeVendor, type Received } from '../directory/vendor.fixture.js'
import { identityUnderTest, inBrowser, type IdentityUnderTest } from '../identity-under-test.conformance.js'
import { somebody, type PersonActor } from '../user/people.conformance.js'

/** The integrations service, as far as owners of content. */
class FakeIntegrations extends FakeVendor {
  readonly owners = new Map<string, string | null>()

  protected answer({ path }: Received) {
    const guid = /^\/internal\/published\/content\/([^/]+)$/.exec(path)?.[1]
    const owner_guid = guid === undefined ? undefined : this.owners.get(guid)
    if (owner_guid === undefined)
      return { status: 404, body: { code: 4, error: 'none' }, headers: { 'keybearer-error': 'object.not_found' } }
    const state = owner_guid === null ? null : { guid, owner_guid }
    return {
      status: 200,
      body: { type: 'ContentChanged', schema_version: 1, revision: 3, version: 1, cause: [], state },
    }
  }
}

let database: FreshDatabase
let pool: Pool
let service: IdentityUnderTest
let integrations: FakeIntegrations
let priya: PersonActor
const report = randomUUID()

beforeAll(async () => {
  integrations = await new FakeIntegrations().start()
  database = await freshDatabase('identity')
  pool = database.pool()
  service = await identityUnderTest(database, undefined, { urls: { integrations: [integrations.url] } })
  priya = await somebody(pool, 'publisher', { username: 'priya' })
})
beforeEach(() => {
  integrations.reset()
  integrations.owners.set(report, priya.user)
})
afterAll(async () => {
  await service.close()
  await integrations.close()
  await database.drop()
})

interface Made {
  id: string
  key: string
  content_guid: string | null
}

const makeKey = (body: object = {}, person: PersonActor = priya) =>
  service.post(`/__api__/v1/users/${person.user}/keys`, inBrowser(person), {
    name: 'of the report',
    content_guid: report,
    ...body,
  })
const actorOf = async (key: string) => (await service.assert(key, 'api_key')).json<{ actor: Actor }>().actor
const mint = (actor: Actor, guid = report) =>
  service.post(`/__api__/v1/content/${guid}/session-token`, actor, undefined)

describe('a key that is bound to content', () => {
  it('C02 is made by the content’s owner, and says what it is for', async () => {
    const made = (await makeKey()).json<Made>()
    expect(made).toMatchObject({ content_guid: report })
    expect(await actorOf(made.key)).toEqual({
      type: 'content_key',
      guid: expect.any(String) as string,
      content: report,
      owner: priya.user,
    })
    const listed = (await service.get(`/__api__/v1/users/${priya.user}/keys`, priya)).json<Made[]>()
    expect(listed.map(({ content_guid }) => content_guid)).toContain(report)
  })

  it('is good for nothing but its own content', async () => {
    const actor = await actorOf((await makeKey()).json<Made>().key)
    for (const path of ['/__api__/v1/user', `/__api__/v1/users/${priya.user}/keys`, '/__api__/v1/users'])
      expect((await service.get(path, actor)).status).toBe(403)
    expect((await service.get('/__api__/server_settings', actor)).status).toBe(403)
    expect((await mint(actor)).status).toBe(200)
    expect((await mint(actor, randomUUID())).status).toBe(403)
  })

  it('is made for nobody else’s content, for none that is not there, and not while nobody can say', async () => {
    const other = await somebody(pool, 'publisher', { username: `other-${randomUUID()}` })
    const administrator = await somebody(pool, 'administrator', { username: `adm-${randomUUID()}` })
    for (const actor of [other, administrator]) expect((await makeKey({}, actor)).status).toBe(403)
    expect((await makeKey({ content_guid: randomUUID() })).status).toBe(403)
    expect((await makeKey({ content_guid: 'x' })).status).toBe(400)
    expect((await makeKey({ user_role: 'viewer' })).status).toBe(403)
    integrations.owners.set(report, null)
    expect((await makeKey()).status).toBe(403)
    integrations.fault = { status: 500 }
    expect((await makeKey()).status).toBe(503)
  })

  it('ends with its deletion and with its owner’s being a publisher', async () => {
    const carl = await somebody(pool, 'publisher', { username: `carl-${randomUUID()}` })
    integrations.owners.set(report, carl.user)
    const { id, key } = (await makeKey({}, carl)).json<Made>()
    expect((await service.assert(key, 'api_key')).status).toBe(200)
    await pool.query(`update person set role = 'viewer' where guid = $1`, [carl.user])
    expect((await service.assert(key, 'api_key')).status).toBe(401)
    await pool.query(`update person set role = 'publisher' where guid = $1`, [carl.user])
    await service.request({ method: 'DELETE', path: `/__api__/v1/users/${carl.user}/keys/${id}`, actor: carl })
    expect((await service.assert(key, 'api_key')).status).toBe(401)
  })
})

describe('a content session token', () => {
  it('names the content alone, for the vault, and is no token of another kind', async () => {
    const answer = await mint(priya)
    expect(answer.status).toBe(200)
    const { token, token_type, expires_in } = answer.json<{ token: string; token_type: string; expires_in: number }>()
    expect([token_type, expires_in]).toEqual(['urn:posit:connect:content-session-token', 3600])
    const keysAt = async (kind: string) =>
      createLocalJWKSet((await fetch(`${service.url}/internal/jwks/${kind}`).then((each) => each.json())) as never)
    const { payload, protectedHeader } = await jwtVerify(token, await keysAt('content-session'), {
      issuer: 'http://localhost:3939',
      audience: 'vault',
    })
    expect(protectedHeader.typ).toBe(TOKEN_TYP.contentSession)
    expect(payload).toMatchObject({ sub: report, jti: expect.any(String) as string })
    expect(payload.exp! - payload.iat!).toBe(3600)
    await expect(jwtVerify(token, await keysAt('user-session'))).rejects.toThrow()
  })

  it('is for its owner’s key, whose role is publisher or more, and for nobody else', async () => {
    const other = await somebody(pool, 'administrator', { username: `boss-${randomUUID()}` })
    expect((await mint(other)).status).toBe(403)
    expect((await mint({ ...priya, role: 'viewer' })).status).toBe(403)
    expect((await mint({ type: 'user', guid: priya.user, role: 'publisher', sid: 'x' })).status).toBe(403)
    expect((await mint({ type: 'anonymous' })).status).toBe(401)
    expect((await service.post('/__api__/v1/content/x/session-token', priya, undefined)).status).toBe(400)
    integrations.fault = { status: 500 }
    expect((await mint(priya)).status).toBe(503)
  })

  it('is for a bound key only as long as who made it owns the content', async () => {
    const actor = await actorOf((await makeKey()).json<Made>().key)
    integrations.owners.set(report, randomUUID())
    expect((await mint(actor)).status).toBe(403)
    integrations.owners.set(report, priya.user)
    await pool.query('update person set locked = true where guid = $1', [priya.user])
    expect((await mint(actor)).status).toBe(403)
    await pool.query('update person set locked = false where guid = $1', [priya.user])
  })
})

describe('a key of a visitor', () => {
  const issue = (body: object, caller: 'vault' | 'gateway' = 'vault') =>
    service.request({ method: 'POST', path: '/internal/visitor-keys', body, caller })

  it('is theirs, of the lower role and for an hour, and made for the vault alone', async () => {
    const asked = { user_guid: priya.user, role: 'viewer', content_guid: report }
    expect((await issue(asked, 'gateway')).status).toBe(403)
    const { key, expires_in } = (await issue(asked)).json<{ key: string; expires_in: number }>()
    expect(expires_in).toBe(3600)
    expect(await actorOf(key)).toEqual({
      type: 'key',
      guid: expect.any(String) as string,
      user: priya.user,
      role: 'viewer',
      visit: report,
    })
    const more = (await issue({ ...asked, role: 'administrator' })).json<{ key: string }>()
    expect(await actorOf(more.key)).toMatchObject({ role: 'publisher' })
    expect((await issue({ ...asked, user_guid: randomUUID() })).status).toBe(404)
    expect((await issue({ ...asked, role: 'king' })).status).toBe(400)
  })

  const made = async (): Promise<string> =>
    (await issue({ user_guid: priya.user, role: 'administrator', content_guid: report })).json<{ key: string }>().key

  it('reads what its visitor may read, makes and deletes no keys, and is good for no content of theirs', async () => {
    const { id } = (await makeKey()).json<Made>()
    const actor = await actorOf(await made())
    const keys = `/__api__/v1/users/${priya.user}/keys`
    expect((await service.get('/__api__/v1/user', actor)).status).toBe(200)
    for (const request of [
      { path: keys, method: 'POST', body: { name: 'x' } },
      { path: keys, method: 'POST', body: { name: 'x', content_guid: report } },
      { path: `${keys}/${id}`, method: 'DELETE' },
      { path: `/__api__/v1/users/${priya.user}/sessions`, method: 'DELETE' },
    ] as const) {
      const answer = await service.request({ ...request, actor })
      expect([request, answer.status, answer.json().code]).toEqual([request, 403, 22])
    }
    expect((await mint(actor)).status).toBe(403)
  })

  it('leaves nothing for ever: no event, no line in the list of keys, and no row when its time is over', async () => {
    const count = async (table: string) => (await pool.query(`select from ${table}`)).rowCount!
    const keys = async () => (await service.get(`/__api__/v1/users/${priya.user}/keys`, priya)).json<Made[]>().length
    const before = [await count('event'), await keys()]
    const [over, key] = [await made(), await made()]
    expect([await count('event'), await keys()]).toEqual(before)
    await pool.query('update visitor_key set expires_at = now() where guid = $1', [guidOfKey(over)])
    expect((await service.assert(over, 'api_key')).status).toBe(401)
    const rows = await count('visitor_key')
    const sweep = service.app.get(ApiKeySweep)
    await Promise.all([sweep.sweep(), sweep.sweep()])
    expect(await count('visitor_key')).toBe(rows - 1)
    expect((await service.assert(key, 'api_key')).status).toBe(200)
  })

  it('stops with its visitor and never does more than they may', async () => {
    const key = await made()
    await pool.query(`update person set role = 'viewer' where guid = $1`, [priya.user])
    expect(await actorOf(key)).toMatchObject({ role: 'viewer' })
    await pool.query(`update person set role = 'publisher', locked = true where guid = $1`, [priya.user])
    expect((await service.assert(key, 'api_key')).status).toBe(401)
    await pool.query('update person set locked = false where guid = $1', [priya.user])
  })
})
