import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { Secret, userContract, type ChangeMessage, type UserState } from '#libs/contracts'
import { newHouse, type World } from '../house.fixture.js'
import { LoginTokens } from './login-tokens.js'

const house = await newHouse()
const vault = house.process()
const tokens = new LoginTokens(vault.pool, vault.safe, vault.replicas)
let world: World
let token: string

beforeEach(async () => {
  world = house.world()
  token = `ya29.${randomBytes(24).toString('base64url')}`
  vault.ask = () => Promise.reject(new Error('the owner is down'))
  await vault.tellAll(world)
})
afterAll(() => house.close())

const keep = (expiresIn = 3600, { viewerGuid, sid } = world) =>
  tokens.keep(viewerGuid, sid, new Secret(token), expiresIn)
const opened = async (userGuid = world.viewerGuid, sid = world.sid) => (await tokens.open(userGuid, sid))?.reveal()
const kept = async (): Promise<number> => {
  const { rows } = await vault.pool.query<{ tokens: number; envelopes: number }>(
    `select (select count(*)::int from login_token where user_guid = $1) as tokens,
       (select count(*)::int from safe where place like 'login_token/' || $1 || '/%') as envelopes`,
    [world.viewerGuid],
  )
  expect(rows[0]?.tokens).toBe(rows[0]?.envelopes)
  return rows[0]!.tokens
}
const message = (version: number, changes: Partial<UserState>): ChangeMessage => ({
  type: userContract.type,
  schema_version: 1,
  revision: userContract.revision,
  version,
  cause: [],
  state: world.user(world.viewerGuid, changes),
})
const change = (version: number, changes: Partial<UserState>) =>
  vault.replicas.of(userContract).handle(message(version, changes), `identity.user.${world.viewerGuid}`)

describe('login tokens', () => {
  it('DISC-02 LOGIN-09 are sealed for one person and one session, and open for these alone', async () => {
    await keep()
    expect(await opened()).toBe(token)
    expect(await opened(world.ownerGuid)).toBeUndefined()
    expect(await opened(world.viewerGuid, 'another-session')).toBeUndefined()
    const { rows } = await vault.pool.query<{ text: string }>(
      `select string_agg(login_token::text, ' ') || string_agg(encode(envelope, 'escape'), ' ') as text
       from login_token, safe`,
    )
    expect(rows[0]?.text).not.toContain(token)
  })

  it('do not open in the place of another session, whatever is done to the table', async () => {
    await keep()
    const session = { sid: 'thief', expires_at: new Date(Date.now() + 60_000).toISOString() }
    await change(2, { sessions: [...world.user(world.viewerGuid).sessions, session] })
    await vault.pool.query(`update login_token set sid = 'thief' where user_guid = $1`, [world.viewerGuid])
    await vault.pool.query(
      `update safe set place = 'login_token/' || $1 || '/thief' where place = 'login_token/' || $1 || '/' || $2`,
      [world.viewerGuid, world.sid],
    )
    expect(await opened(world.viewerGuid, 'thief')).toBeUndefined()
  })

  it('DISC-02 R16 are there again when the keys are back, and not taken for none meanwhile', async () => {
    await keep()
    vault.keys.away = 1
    await expect(opened()).rejects.toMatchObject({ kind: 'unavailable', code: 'safe.key_missing' })
    vault.keys.away = undefined
    expect(await opened()).toBe(token)
  })

  it('are replaced by those of a new login in the same session', async () => {
    await keep()
    token = 'the-newer-one'
    await keep()
    const found = await tokens.open(world.viewerGuid, world.sid)
    expect(found?.reveal()).toBe('the-newer-one')
    expect(await kept()).toBe(1)
    expect(inspect(found, { depth: 5 })).not.toContain('the-newer-one')
  })

  it('wait for the session’s news by asking identity', async () => {
    await vault.tell('user', world.viewerGuid, world.user(world.viewerGuid, { sessions: [] }))
    await expect(keep()).rejects.toMatchObject({ kind: 'unavailable' })
    vault.ask = () => Promise.resolve(message(2, {}))
    await keep()
    expect(await opened()).toBe(token)
  })

  it.each([
    ['has ended', { sessions: [] }],
    ['is that of a locked person', { locked: true }],
  ])('are refused when the session %s', async (_what, changes) => {
    await change(2, changes)
    vault.ask = () => Promise.resolve(message(2, changes))
    await expect(keep()).rejects.toMatchObject({ code: 'login_token.no_session' })
    expect(await kept()).toBe(0)
  })

  it.each([
    ['the session ends', { sessions: [] }],
    ['the person is locked', { locked: true }],
  ])('are erased when %s', async (_what, changes) => {
    await keep()
    await change(2, changes)
    expect(await kept()).toBe(0)
    expect(await opened()).toBeUndefined()
  })

  it('are erased when the person is deleted', async () => {
    await keep()
    await vault.replicas
      .of(userContract)
      .handle({ ...message(2, {}), state: null }, `identity.user.${world.viewerGuid}`)
    expect(await kept()).toBe(0)
  })

  it('stay when something else of the person changes', async () => {
    await keep()
    await change(2, { last_name: 'Lovelace' })
    expect(await opened()).toBe(token)
  })

  it('are not given out once their time is over, and then erased by the sweep', async () => {
    await keep()
    const other = world
    world = house.world()
    await vault.tellAll(world)
    await keep()
    await vault.pool.query('update login_token set expires_at = now() where user_guid = $1', [world.viewerGuid])
    expect(await opened()).toBeUndefined()
    await tokens.sweep()
    expect(await kept()).toBe(0)
    world = other
    expect(await kept()).toBe(1)
  })

  it('are erased by the sweep when the news of the session’s end was missed', async () => {
    await keep()
    await vault.tell('user', world.viewerGuid, world.user(world.viewerGuid, { sessions: [] }), 2)
    expect(await opened()).toBeUndefined()
    await tokens.sweep()
    expect(await kept()).toBe(0)
  })

  it('LOGIN-09 are never what an exchange gives out', async () => {
    await keep()
    await vault.grant(world, 3600)
    const issued = await vault.exchanged(world)
    expect(issued.accessToken.reveal()).toBe('access-0')
    // Without a grant there is nothing, and no other token takes its place.
    world = house.world()
    await vault.tellAll(world)
    await keep()
    expect(await vault.refused(world)).toMatchObject({ code: 'grant.none' })
  })

  it('LOGIN-09 are in no event and in no row but the safe’s', async () => {
    await keep()
    await opened()
    const { rows: tables } = await vault.pool.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables
       where schemaname in ('log', 'record', 'model') and has_table_privilege(format('%I.%I', schemaname, tablename), 'select')`,
    )
    for (const { name } of tables) {
      const { rows } = await vault.pool.query<{ found: number }>(
        `select count(*)::int as found from ${name} as row where position($1 in row::text) > 0
           or position(encode(convert_to($1, 'UTF8'), 'hex') in row::text) > 0`,
        [token],
      )
      expect([name, rows[0]?.found]).toEqual([name, 0])
    }
  })
})
