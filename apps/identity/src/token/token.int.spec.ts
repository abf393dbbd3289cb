import { randomUUID } from 'node:crypto'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { TOKEN_TYP, type Actor } from '#libs/contracts'
import { PostgresEventStore, Streams } from '#libs/event-sourcing'
import { freshDatabase, type FreshDatabase } from '#libs/testing'
import { identityUnderTest, type IdentityUnderTest } from '../identity-under-test.conformance.js'
import { newSession, type NewSession } from '../session/session.js'
import { writeProfile } from '../user/profile.js'
import { userStream } from '../user/user.stream.js'

let database: FreshDatabase
let service: IdentityUnderTest

beforeAll(async () => {
  database = await freshDatabase('identity')
  service = await identityUnderTest(database)
})
afterAll(async () => {
  await service?.close()
  await database?.drop()
})

/** Somebody with a session that lasts so long. */
async function session(lifetimeMs = 3_600_000): Promise<NewSession & { actor: Actor & { type: 'user' } }> {
  const guid = randomUUID()
  const begun = newSession(new Date(), lifetimeMs)
  const command = {
    type: 'LogIn',
    now: new Date(),
    firstAdministrator: false,
    defaultRole: 'viewer',
    mapping: undefined,
    profile: { basis: 0, fields: ['username'] },
    groups: undefined,
    session: begun,
    replaces: undefined,
  } as const
  await new Streams(new PostgresEventStore(database.pool())).handle(
    userStream,
    guid,
    command,
    { actor: { type: 'provider' }, commandId: randomUUID() },
    {
      record: (client) =>
        writeProfile(client, guid, 1, { username: 'v', firstName: '', lastName: '', email: '', externalId: '' }),
    },
  )
  return { ...begun, actor: { type: 'user', guid, role: 'viewer', sid: begun.sid } }
}

const keysAt = async (path: string) =>
  createLocalJWKSet((await fetch(service.url + path).then((answer) => answer.json())) as never)

describe('an actor assertion', () => {
  it('names who is behind a session, for one service and a minute', async () => {
    const { secret, actor } = await session()
    const answer = (await service.assert(secret.reveal())).json<{
      actor: Actor
      assertion: string
      expires_in: number
    }>()
    expect(answer).toMatchObject({ actor, expires_in: 60 })
    const { payload } = await jwtVerify(answer.assertion, await keysAt('/internal/jwks/actor'), {
      typ: TOKEN_TYP.actor,
      issuer: 'identity',
      audience: 'vault',
      algorithms: ['EdDSA'],
    })
    expect(payload['actor']).toEqual(actor)
    expect(payload.exp! - payload.iat!).toBe(60)
  })

  it('ends with its session', async () => {
    const { secret } = await session(20_000)
    expect((await service.assert(secret.reveal())).json<{ expires_in: number }>().expires_in).toBeLessThanOrEqual(20)
    await database.pool().query(`update session set expires_at = now() - interval '1 second'`)
    const answer = await service.assert(secret.reveal())
    expect([answer.status, answer.json().code]).toEqual([401, 30])
  })

  it('is for the gateway alone, and for nobody who is unknown', async () => {
    const { secret } = await session()
    const body = { credential: { type: 'session', value: secret.reveal() }, audience: 'vault' }
    const path = '/internal/actor-assertions'
    expect((await service.request({ method: 'POST', path, body, caller: 'vault' })).status).toBe(403)
    expect((await fetch(service.url + path, { method: 'POST', body: JSON.stringify(body) })).status).toBe(401)
    expect((await service.assert('x')).status).toBe(401)
    expect((await service.request({ method: 'POST', path, body: { ...body, audience: 'moon' } })).status).toBe(400)
    expect((await service.request({ method: 'POST', path, body: { audience: 'vault' } })).status).toBe(400)
  })
})

describe('a user session token', () => {
  const content = '40000000-0000-4000-8000-000000000001'
  const issue = (actor: Actor, content_guid = content) =>
    service.post('/internal/user-session-tokens', actor, { content_guid })

  it('names a viewer in one content item, for the vault', async () => {
    const { actor, sid } = await session()
    const answer = (await issue(actor)).json<{ token: string; expires_in: number }>()
    const { payload } = await jwtVerify(answer.token, await keysAt('/internal/jwks/user-session'), {
      typ: TOKEN_TYP.userSession,
      issuer: 'http://localhost:3939',
      audience: 'vault',
    })
    expect(payload).toMatchObject({ sub: actor.guid, content, sid, jti: expect.any(String) as string })
    expect(payload.exp! - payload.iat!).toBe(answer.expires_in)
    await expect(jwtVerify(answer.token, await keysAt('/internal/jwks/actor'))).rejects.toThrow()
  })

  it('needs a session that is alive, of that very person', async () => {
    const { actor } = await session()
    const stranger = await session()
    expect((await issue({ ...actor, guid: stranger.actor.guid })).status).toBe(401)
    await database.pool().query('delete from session where sid = $1', [actor.sid])
    expect((await issue(actor)).status).toBe(401)
    expect((await issue(stranger.actor, 'x')).status).toBe(400)
    expect((await issue({ type: 'key', guid: randomUUID(), user: actor.guid, role: 'viewer' })).status).toBe(403)
  })
})

it('publishes what NATS carries, as the contract has it', async () => {
  const { actor, sid, expiresAt } = await session()
  const answer = await service.request({ path: `/internal/published/user/${actor.guid}`, caller: 'gateway' })
  expect(answer.json()).toMatchObject({
    type: 'UserChanged',
    revision: 1,
    version: 4,
    state: {
      guid: actor.guid,
      user_role: 'viewer',
      group_guids: [],
      sessions: [{ sid, expires_at: expiresAt.toISOString() }],
    },
  })
})
