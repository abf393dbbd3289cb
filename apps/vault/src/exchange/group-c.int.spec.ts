import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import { DomainError, type UserState } from '#libs/contracts'
import { newHouse, World } from '../house.fixture.js'
import type { KeyActor } from './decide.js'
import type { Issued } from './exchange.js'

const house = await newHouse()
afterAll(() => house.close())
const vault = house.process()

let world: World
beforeEach(async () => {
  world = house.world()
  await vault.tellAll(world)
  await vault.grant(world, 600)
  // Nothing newer than what was told.
  vault.ask = () => Promise.resolve(undefined)
})

const given = async (form: Record<string, string> = {}): Promise<string> =>
  (await vault.exchanged(world, form)).accessToken.reveal()
const code = async (form: Record<string, string> = {}): Promise<string> => (await vault.refused(world, form)).code
const now = (): number => Math.floor(Date.now() / 1000)
const viewerIs = (changes: Partial<UserState>) =>
  vault.tell('user', world.viewerGuid, world.user(world.viewerGuid, changes), 2)

describe('a user session token', () => {
  it('C03 is worth nothing once the viewer may not see the content, and something again when they may', async () => {
    expect(await given()).toBe('access-0')
    await vault.tell('content', world.contentGuid, world.content({ access_type: 'acl' }), 2)
    expect(await code()).toBe('content.access_denied')
    await vault.tell('content', world.contentGuid, world.content(), 3)
    expect(await given()).toBe('access-0')
  })

  it('C05 is worth nothing before its time and after it, but for ten seconds of clocks that differ', async () => {
    const made = (changes: Record<string, unknown>) => world.subjectToken(changes)
    expect(await given({ subject_token: await made({ exp: now() - 5 }) })).toBe('access-0')
    for (const changes of [{ exp: now() - 11 }, { nbf: now() + 60 }])
      expect(await code({ subject_token: await made(changes) })).toBe('exchange.subject_token')
    const [header, payload, signature] = (await made({ exp: now() - 60 })).split('.')
    const claims = JSON.parse(Buffer.from(payload!, 'base64url').toString()) as object
    const longer = Buffer.from(JSON.stringify({ ...claims, exp: now() + 3600 })).toString('base64url')
    expect(await code({ subject_token: `${header}.${longer}.${signature}` })).toBe('exchange.subject_token')
  })

  it('C06 is signed by identity, by no other algorithm and not by nobody', async () => {
    const [, payload] = (await world.subjectToken()).split('.')
    const typ = 'keybearer-user-session+jwt'
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ, kid: 'k1' })).toString('base64url')
    const claims = JSON.parse(Buffer.from(payload!, 'base64url').toString()) as Record<string, unknown>
    const symmetric = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', typ, kid: 'k1' })
      .sign(new TextEncoder().encode('a public key is no secret, and of this length'))
    for (const subject_token of [`${none}.${payload}.`, symmetric])
      expect(await code({ subject_token })).toBe('exchange.subject_token')
  })

  it('C07 ends with its session, and with its viewer’s lock; another role changes nothing', async () => {
    await viewerIs({ user_role: 'viewer' })
    expect(await given()).toBe('access-0')
    await viewerIs({ sessions: [] })
    expect(await code()).toBe('exchange.subject_token')
    await viewerIs({ locked: true })
    expect(await code()).toBe('content.access_denied')
    await vault.tell('user', world.viewerGuid, null, 3)
    expect(await code()).toBe('exchange.subject_token_subject')
  })

  it('C08 can be used again as long as it lives, each time as the same person in the audit', async () => {
    const subject_token = await world.subjectToken()
    await Promise.all(Array.from({ length: 100 }, () => given({ subject_token })))
    const { rows } = await vault.pool.query(
      `select distinct data::json ->> 'userGuid' as "userGuid", count(*)::int as count from issue
       where data::json ->> 'grantGuid' = $1 group by 1`,
      [world.grantGuid],
    )
    expect(rows).toEqual([{ userGuid: world.viewerGuid, count: 100 }])
  })
})

describe('a key that is bound to a content item', () => {
  const boundTo = (content: string): KeyActor => ({
    type: 'content_key',
    guid: randomUUID(),
    content,
    owner: world.ownerGuid,
  })
  const by = async (caller: KeyActor, form: Record<string, string>): Promise<string> => {
    const answer = await vault.exchange.exchange(form, caller).catch((error: unknown) => error)
    return answer instanceof DomainError ? answer.code : (answer as Issued).accessToken.reveal()
  }
  afterEach(() => (vault.policy.requireContentKeys = false))

  it('C02 is demanded by RequireContentKeys, even of the content’s owner', async () => {
    const asked = await world.form()
    const ofContent = await world.contentForm()
    vault.policy.requireContentKeys = true
    expect(await by(world.caller, asked)).toBe('permission.denied')
    expect(await by(world.caller, ofContent)).toBe('permission.denied')
    expect(await by(boundTo(world.contentGuid), asked)).toBe('access-0')
    vault.policy.requireContentKeys = false
    expect(await by(world.caller, asked)).toBe('access-0')
  })

  it.each([true, false])(
    'C04 trades no token of another item of the same publisher (RequireContentKeys: %s)',
    async (only) => {
      vault.policy.requireContentKeys = only
      const other = randomUUID()
      await vault.tell('content', other, world.content({ guid: other }))
      const [here, there] = [
        await world.form(),
        await world.form({ subject_token: await world.subjectToken({ content: other }) }),
      ]
      expect(await by(boundTo(world.contentGuid), here)).toBe('access-0')
      expect(await by(boundTo(other), there)).toBe('access-0')
      expect(await by(boundTo(other), here)).toBe('permission.denied')
      expect(await by(boundTo(world.contentGuid), there)).toBe('permission.denied')
    },
  )
})

describe('what is asked for', () => {
  it('C12 is one of the content’s integrations, in whatever case it is spelt', async () => {
    const two = [randomUUID(), world.integrationGuid].map((oauth_integration_guid) => ({
      oauth_integration_guid,
      auth_type: 'Viewer' as const,
    }))
    await vault.tell('content', world.contentGuid, world.content({ associations: two }), 2)
    expect(await given({ audience: world.integrationGuid.toUpperCase() })).toBe('access-0')
    expect(await code({ audience: 'not a guid' })).toBe('exchange.audience')
  })

  it('C15 VAULT-01 VAULT-02 is answered without a refresh token', async () => {
    const issued = await vault.exchanged(world)
    expect(JSON.stringify([issued, issued.accessToken.reveal()])).not.toContain(world.provider.refreshToken)
  })
})

describe('what a refusal tells', () => {
  it('C22 C24 is the same whether somebody else has consented or not', async () => {
    // Somebody new, who might have the name of a former one.
    const other = Object.assign(new World(world.provider, world.integrationGuid), {
      ownerGuid: world.ownerGuid,
      contentGuid: world.contentGuid,
    })
    await vault.tell('user', other.viewerGuid, other.user(other.viewerGuid))
    const refused = await vault.refused(other)
    expect(refused).toMatchObject({ code: 'grant.none' })
    expect(JSON.stringify(refused)).not.toContain(world.viewerGuid)
    const nobody = house.world()
    await vault.tellAll(nobody)
    const words = (text: unknown, { integrationGuid, contentGuid }: World) =>
      JSON.stringify(text).replaceAll(integrationGuid, '…').replaceAll(contentGuid, '…')
    expect(words(await vault.refused(nobody), nobody)).toBe(words(refused, world))
  })
})
