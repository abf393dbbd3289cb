import { jest } from '@jest/globals'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { eventually } from '#libs/testing'
import type { Account, Person } from './person.js'
import { World } from './world.js'

jest.setTimeout(120_000)

const WITHIN_MS = 2_000
const KNOCKS = 24
const GATEWAYS = ['gateway', 'gateway-2']

describe('the end of a session, with two processes of each kind', () => {
  let world: World
  let alice: Person
  let aliceKey: string
  let content: string

  beforeAll(async () => {
    world = await World.start({ replicas: { gateway: 2, identity: 2, vault: 2 } })
    alice = world.person('alice')
    await alice.logIn()
    aliceKey = await alice.makeKey('sessions')
    const integration = await world.makeIntegration(aliceKey)
    content = await world.makeContent(aliceKey, 'sessions', world.probe.url, [integration])
  })
  afterAll(() => world?.stop())

  /** The statuses of many visits at once, each on a connection of its own, so that both gateways get some. */
  async function knock(cookie: string, path: string): Promise<number[]> {
    return Promise.all(
      Array.from({ length: KNOCKS }, async () => {
        const outgoing = request(world.address + path, { agent: false, headers: { cookie } }).end()
        const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
        answer.resume()
        return answer.statusCode ?? 0
      }),
    )
  }

  const visitsAt = (gateway: string): number =>
    world.house.logs(gateway).filter(({ path }) => path === `/content/${content}/`).length

  const ways: [string, (person: Person, account: Account) => Promise<unknown>][] = [
    ['the person logs out', ({ browser }) => browser.get(`${world.address}/__logout__`, { stopBefore: () => true })],
    [
      'the person logs out at the provider, which tells us',
      async ({ browser }) => {
        await browser.get(`${world.oidcIssuer}/session/end`)
        await browser.submit({ logout: 'yes' })
      },
    ],
    ['an administrator ends it', (_, { guid }) => alice.api('DELETE', `/v1/users/${guid}/sessions`)],
    ['the person is locked', (_, { guid }) => alice.api('POST', `/v1/users/${guid}/lock`, { locked: true })],
  ]

  it.each(ways.map((way, index) => [...way, `guest-${301 + index}`] as const))(
    'D18 D19 is obeyed everywhere within two seconds when %s',
    async (_name, end, username) => {
      const person = world.person(username)
      const account = await person.logIn()
      await person.open(content)
      const cookie = await person.browser.jar.getCookieString(world.address)
      const subjectToken = world.probe.tokenOf(username)
      const [contentPath, ownPath] = [`/content/${content}/`, '/__api__/v1/user']
      // Both gateways and both vaults know the session, its assertions and its token by heart.
      await eventually(async () => {
        const before = GATEWAYS.map(visitsAt)
        expect(new Set(await knock(cookie, contentPath))).toEqual(new Set([200]))
        return GATEWAYS.every((gateway, index) => visitsAt(gateway) > before[index]!)
      })
      expect(new Set(await knock(cookie, ownPath))).toEqual(new Set([200]))
      const exchanges = () => Promise.all(Array.from({ length: 6 }, () => world.exchange(aliceKey, subjectToken)))
      await eventually(async () => (await exchanges()).every(({ status }) => status === 200))

      await end(person, account)
      const ended = performance.now()
      await eventually(
        async () => {
          const statuses = [...(await knock(cookie, contentPath)), ...(await knock(cookie, ownPath))]
          return statuses.every((status) => status === 302 || status === 401)
        },
        { timeoutMs: WITHIN_MS },
      )
      await eventually(async () => (await exchanges()).every(({ status }) => status >= 400), { timeoutMs: WITHIN_MS })
      expect(performance.now() - ended).toBeLessThan(WITHIN_MS)
      // And stays so.
      expect(new Set(await knock(cookie, contentPath))).toEqual(new Set([302]))
      expect(new Set(await knock(cookie, ownPath))).toEqual(new Set([401]))
    },
  )

  it('D19 stays so when every process has been killed', async () => {
    const person = world.person('guest-310')
    await person.logIn()
    const cookie = await person.browser.jar.getCookieString(world.address)
    await person.api('DELETE', `/v1/users/${(await person.api<Account>('GET', '/v1/user')).guid}/sessions`)
    for (const { name } of world.house.services) await world.house.killAndWait(name)
    expect(new Set(await knock(cookie, '/__api__/v1/user'))).toEqual(new Set([401]))
  })
})
