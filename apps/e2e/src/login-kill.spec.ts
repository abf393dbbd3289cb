import { jest } from '@jest/globals'
import { Agent } from 'undici'
import { sidOf } from '#libs/contracts'
import { eventually } from '#libs/testing'
import { LoginProvider, type Person } from './login-provider.js'
import { quickLogin } from './quick-login.js'
import { World } from './world.js'

jest.setTimeout(120_000)

const KILLS = 5
const BROWSERS = 8

/** What a login leaves behind when it has been done whole, one row a person. */
const PEOPLE = `
  select person.guid, username, email, external_id, role,
    array(select name from membership join user_group on user_group.guid = group_guid where user_guid = person.guid
      order by name) as groups,
    (select count(*)::int from session where user_guid = person.guid) as sessions,
    exists (select from reserved where kind = 'provider_id' and holder = person.guid) as reserved
  from person left join profile on profile.user_guid = person.guid and profile.version = person.profile_version`

describe('a login while identity is killed', () => {
  let world: World
  let provider: LoginProvider
  const agent = new Agent({ connections: 64 })
  /** Of the logins that were answered with a session. */
  const acknowledged = new Map<string, string>()
  let tried = 0
  let stopping = false

  const person = (number: number): Person => ({
    sub: `sub-${number}`,
    preferred_username: `user-${number}`,
    email: `user-${number}@example.org`,
    department: number % 2 === 0 ? 'Engineering' : 'HR',
    // One that is known from the login before, one that is made by this one.
    groups: ['everybody', `team-${number}`],
  })

  async function browse(): Promise<void> {
    while (!stopping) {
      const somebody = person(++tried)
      const { status, cookie } = await quickLogin(world.address, provider, somebody, agent).catch(() => ({
        status: 0,
        cookie: undefined,
      }))
      if (status === 302 && cookie) acknowledged.set(somebody.sub, cookie.split('=')[1]!)
    }
  }

  beforeAll(async () => {
    provider = await LoginProvider.start()
    const mapping = ['UserRoleMapping=true', 'PublisherRoleMapping=Engineering', 'ViewerRoleMapping=HR']
    world = await World.start({
      settings: [
        ...provider.settings,
        'OAuth2.GroupsAutoProvision=true',
        'OAuth2.RoleClaim=department',
        ...mapping.map((line) => `Authorization.${line}`),
      ],
    })
    await quickLogin(world.address, provider, person(0), agent)
  })
  afterAll(async () => {
    stopping = true
    await world?.stop()
    await provider?.close()
    await agent.close()
  })

  it(`leaves no half of one after ${KILLS} times kill -9`, async () => {
    const first = provider.logins
    const browsers = Array.from({ length: BROWSERS }, browse)
    for (let kill = 0; kill < KILLS; kill++) {
      const before = acknowledged.size
      await eventually(() => acknowledged.size > before + 10, { timeoutMs: 20_000 })
      await world.house.killAndWait('identity')
    }
    stopping = true
    await Promise.all(browsers)

    const { rows } = await world.house.pool('identity').query<{
      external_id: string | null
      username: string
      email: string
      role: string
      groups: string[]
      sessions: number
      reserved: boolean
    }>(PEOPLE)
    const [, ...others] = rows.toSorted((a, b) => numberOf(a) - numberOf(b))
    for (const { external_id: sub, ...row } of others) {
      const number = Number(sub?.replace('sub-', ''))
      expect(row).toMatchObject({
        username: `user-${number}`,
        email: `user-${number}@example.org`,
        role: number % 2 === 0 ? 'publisher' : 'viewer',
        groups: ['everybody', `team-${number}`],
        sessions: 1,
        reserved: true,
      })
    }
    // Each whom the server has told that they are in, is in.
    const { rows: sessions } = await world.house.pool('identity').query<{ sid: string }>('select sid from session')
    const alive = new Set(sessions.map(({ sid }) => sid))
    expect(acknowledged.size).toBeGreaterThan(KILLS * 10)
    for (const cookie of acknowledged.values()) expect(alive).toContain(sidOf(cookie))
    // The kills did meet logins: some came to the provider, and then to nothing, or were done without an answer.
    expect(provider.logins).toBeGreaterThan(first + acknowledged.size)
  })
})

const numberOf = ({ external_id: sub }: { external_id: string | null }): number =>
  Number(sub?.replace('sub-', '') ?? -1)
