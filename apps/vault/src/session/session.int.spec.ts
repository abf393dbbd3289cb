import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Actor } from '#libs/contracts'
import { JetStreamServer } from '#libs/messaging'
import { SECTIONS } from '#libs/service'
import { eventually, freshJetStream, serviceUnderTest, type FreshJetStream, type ServiceUnderTest } from '#libs/testing'
import { AppModule } from '../app.module.js'
import { newHouse, type World } from '../house.fixture.js'

const SESSIONS = '/__api__/v1/oauth/sessions'
const REVOCATIONS = '/__api__/v1/oauth/revocations'

const house = await newHouse()
const { provider } = house
const vault = house.process()
let folder: string
let nats: FreshJetStream
let service: ServiceUnderTest
let world: World

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sessions-spec-'))
  const safeKeyFile = join(folder, 'safe.json')
  await writeFile(safeKeyFile, JSON.stringify({ active: 1, keys: { 1: randomBytes(32).toString('base64') } }), {
    mode: 0o600,
  })
  nats = await freshJetStream()
  const urls = { identity: ['http://127.0.0.1:1'], integrations: ['http://127.0.0.1:1'] }
  service = await serviceUnderTest({
    name: 'vault',
    module: AppModule,
    settings: SECTIONS,
    databaseUrl: house.database.url,
    natsUrl: nats.url,
    deployment: { safeKeyFile, urls },
    prepare: (app) => void app.connectMicroservice({ strategy: app.get(JetStreamServer) }),
  })
})
afterAll(async () => {
  await service?.close()
  await nats?.stop()
  await house.close()
  await rm(folder, { recursive: true })
})
beforeEach(async () => {
  provider.fault = undefined
  world = house.world()
  await vault.tellAll(world)
})

const user = (guid: string, role: 'viewer' | 'publisher' | 'administrator' = 'viewer'): Actor => ({
  ...{ type: 'user', guid, role, sid: 's' },
})
const boss = user(randomUUID(), 'administrator')
const get = (path: string, actor?: Actor) => service.request({ path, ...(actor && { actor }) })
const del = (path: string, actor: Actor) => service.request({ method: 'DELETE', path, actor })
const refusalOf = async (answer: ReturnType<typeof get>) => {
  const { status, json } = await answer
  return [status, json<{ code: number }>().code]
}

/** The tables of the database in which a text stands; binary columns are read as hexadecimal. */
async function tablesWith(text: string): Promise<string[]> {
  const { rows: tables } = await vault.pool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname in ('log', 'record', 'model') and has_table_privilege(format('%I.%I', schemaname, tablename), 'select')
     order by 1`,
  )
  expect(tables.length).toBeGreaterThan(10)
  const found: string[] = []
  for (const { name } of tables) {
    const { rowCount } = await vault.pool.query(`select from ${name} as t where strpos(t::text, $1) > 0 limit 1`, [
      text,
    ])
    if (rowCount) found.push(name)
  }
  return found
}

describe('OAuth sessions', () => {
  it('are listed for their user, in the shape that clients know, without anything of a token', async () => {
    await vault.grant(world, 3600)
    const answer = await get(SESSIONS, user(world.viewerGuid))
    expect([answer.status, answer.json()]).toEqual([
      200,
      [
        {
          id: expect.stringMatching(/^\d+$/) as string,
          guid: world.grantGuid,
          user_guid: world.viewerGuid,
          oauth_integration_guid: world.integrationGuid,
          has_refresh_token: true,
          scope: null,
          requested_scope: 'profile',
          created_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
          updated_time: expect.any(String) as string,
        },
      ],
    ])
    expect(answer.text).not.toContain('access-0')
    const key = { type: 'key', guid: randomUUID(), user: world.viewerGuid, role: 'viewer' } as const
    expect((await get(SESSIONS, key)).json()).toEqual(answer.json())
    const other = await get(`${SESSIONS}/${world.grantGuid}`, user(world.viewerGuid))
    expect(other.json()).toEqual(answer.json<object[]>()[0])
  })

  it('B12 show what was granted beside what is asked for', async () => {
    await vault.grant(world, 3600, provider.refreshToken, 'access-0', 'profile')
    const client = { ...world.integration().client!, scope: 'profile files:read' }
    await vault.tell('integration', world.integrationGuid, world.integration({ client }), 2)
    const [session] = (await get(SESSIONS, user(world.viewerGuid))).json<object[]>()
    expect(session).toMatchObject({ scope: 'profile', requested_scope: 'profile files:read' })
    await vault.tell('integration', world.integrationGuid, null, 3)
    const one = (await get(`${SESSIONS}/${world.grantGuid}`, user(world.viewerGuid))).json()
    expect(one).toMatchObject({ scope: 'profile', requested_scope: null })
  })

  it('of everybody are listed for administrators, and for nobody else', async () => {
    const second = house.world()
    for (const each of [world, second]) await vault.grant(each, 3600, null)
    for (const all of ['True', 'true', '1']) {
      const sessions = (await get(`${SESSIONS}?all=${all}`, boss)).json<
        { guid: string; has_refresh_token: boolean }[]
      >()
      expect(sessions.map(({ guid }) => guid)).toEqual(
        expect.arrayContaining([world.grantGuid, second.grantGuid]) as string[],
      )
      expect(sessions.at(-1)).toMatchObject({ has_refresh_token: false })
      expect(await refusalOf(get(`${SESSIONS}?all=${all}`, user(world.viewerGuid, 'publisher')))).toEqual([403, 22])
    }
    for (const none of ['', '?all=False', '?all=false', '?all='])
      expect((await get(SESSIONS + none, boss)).json()).toEqual([])
    expect(await refusalOf(get(SESSIONS))).toEqual([401, 24])
  })

  it('of somebody else do not exist, except for administrators', async () => {
    await vault.grant(world, 3600)
    const path = `${SESSIONS}/${world.grantGuid}`
    const stranger = user(randomUUID(), 'publisher')
    expect(await refusalOf(get(path, stranger))).toEqual([404, 4])
    expect(await refusalOf(del(path, stranger))).toEqual([404, 4])
    expect(await refusalOf(get(`${SESSIONS}/${randomUUID()}`, boss))).toEqual([404, 4])
    expect(await refusalOf(get(`${SESSIONS}/no-guid`, boss))).toEqual([400, 3])
    expect((await get(path, boss)).status).toBe(200)
  })

  it('B20 end at once, once, and their content has to ask again', async () => {
    await vault.grant(world, 3600)
    expect((await vault.exchanged(world)).accessToken.reveal()).toBe('access-0')
    const path = `${SESSIONS}/${world.grantGuid}`
    expect((await del(path, user(world.viewerGuid))).status).toBe(204)
    expect(await vault.refused(world)).toMatchObject({ code: 'grant.none' })
    expect(await refusalOf(get(path, user(world.viewerGuid)))).toEqual([404, 4])
    expect(await refusalOf(del(path, user(world.viewerGuid)))).toEqual([404, 4])
    expect((await get(SESSIONS, user(world.viewerGuid))).json()).toEqual([])
  })

  it('are read by the key of a visit, and ended by none', async () => {
    await vault.grant(world, 3600)
    const path = `${SESSIONS}/${world.grantGuid}`
    for (const [user, role] of [
      [world.viewerGuid, 'viewer'],
      [randomUUID(), 'administrator'],
    ] as const) {
      const key = { type: 'key', guid: randomUUID(), user, role, visit: world.contentGuid } as const
      expect((await get(path, key)).status).toBe(200)
      expect(await refusalOf(del(path, key))).toEqual([403, 22])
    }
    expect((await vault.exchanged(world)).accessToken.reveal()).toBe('access-0')
  })

  it('E22 have nothing left anywhere of what their tokens were sealed with, nor of the tokens', async () => {
    await vault.grant(world, 3600)
    const { rows: sealed } = await vault.pool.query<{ wrapped: string; envelope: string }>(
      `select encode(substr(envelope, 6, 60), 'hex') as wrapped, encode(envelope, 'hex') as envelope
       from safe where place like 'grant/' || $1 || '/%'`,
      [world.grantGuid],
    )
    expect(sealed).toHaveLength(2)
    for (const { wrapped, envelope } of sealed)
      expect([await tablesWith(wrapped), await tablesWith(envelope)]).toEqual([['record.safe'], ['record.safe']])
    expect((await del(`${SESSIONS}/${world.grantGuid}`, user(world.viewerGuid))).status).toBe(204)
    for (const { wrapped } of sealed) expect(await tablesWith(wrapped)).toEqual([])
    for (const token of ['access-0', provider.refreshToken]) expect(await tablesWith(token)).toEqual([])
    expect(await tablesWith(world.grantGuid)).toEqual(expect.arrayContaining(['log.event']))
  })

  it('have ended by whoever ended them, and a repeated request is the same request', async () => {
    await vault.grant(world, 3600)
    const headers = { 'idempotency-key': randomUUID() }
    const path = `${SESSIONS}/${world.grantGuid}`
    for (let count = 0; count < 2; count++)
      expect((await service.request({ method: 'DELETE', path, actor: boss, headers })).status).toBe(204)
    const { rows } = await vault.pool.query<{ data: string }>(
      `select data from event where stream_id = $1 and type = 'GrantRevoked'`,
      [`grant-${world.grantGuid}`],
    )
    expect(rows.map(({ data }) => JSON.parse(data) as unknown)).toEqual([{ reason: 'administrator' }])
  })
})

describe('revocations that providers have not carried out', () => {
  it('B20 are seen by administrators, who can give them up', async () => {
    const server = { ...world.integration().authorization_server!, revocation_endpoint: `${provider.url}/revoke` }
    await vault.tell('integration', world.integrationGuid, world.integration({ authorization_server: server }), 2)
    provider.fault = { status: 503, body: {} }
    const guid = randomUUID()
    const data = {
      integration_guid: world.integrationGuid,
      token_type_hint: 'refresh_token',
      user_guid: world.viewerGuid,
    }
    await vault.pool.query(
      `insert into todo (kind, key, data, due_at) values ('revoke_upstream', $1, $2, clock_timestamp() + interval '1 hour')`,
      [guid, JSON.stringify(data)],
    )
    expect((await get(REVOCATIONS, boss)).json()).toEqual([
      {
        guid,
        oauth_integration_guid: world.integrationGuid,
        user_guid: world.viewerGuid,
        attempts: 0,
        last_error: null,
        created_time: expect.any(String) as string,
        next_attempt_time: expect.any(String) as string,
      },
    ])
    expect((await get('/metrics')).text).toContain('keybearer_revocations_pending 1')
    expect(await refusalOf(get(REVOCATIONS, user(randomUUID(), 'publisher')))).toEqual([403, 22])
    expect(await refusalOf(del(`${REVOCATIONS}/${guid}`, user(randomUUID(), 'publisher')))).toEqual([403, 22])
    expect((await del(`${REVOCATIONS}/${guid}`, boss)).status).toBe(204)
    expect(await refusalOf(del(`${REVOCATIONS}/${guid}`, boss))).toEqual([404, 4])
    await eventually(async () => (await get(REVOCATIONS, boss)).json<unknown[]>().length === 0)
  })
})
