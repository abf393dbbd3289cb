import type { IntegrationState } from '#libs/contracts'
import { eventually, SICKNESSES, type Fault, vendors, VendorServer } from '#libs/testing'
import { newHouse, World } from '../house.fixture.js'

const house = await newHouse()
const vendor = await new VendorServer(
  vendors.custom({ authentication: 'none', reuse: 'refused', expiresIn: 3600 }),
).start()
afterAll(async () => {
  await vendor.stop()
  await house.close()
})

let world: World
beforeEach(() => {
  world = house.world()
  vendor.fault = undefined
  vendor.journal.length = 0
})

const hasty = () =>
  house.process({ settings: { tokenRequestTimeoutMs: 400, refreshLeaseMs: 600, refreshWaitMs: 2_000 } })
type Vault = ReturnType<typeof hasty>

/** Somebody's grant at the vendor, with its token endpoint or another. */
const connect = async (
  vault: Vault,
  { secondsLeft = -1, tokenEndpoint = `${vendor.url}/token`, each = world } = {},
): Promise<void> => {
  await vault.tellAll(each)
  const authorization_server = { authorization_endpoint: `${vendor.url}/authorize`, token_endpoint: tokenEndpoint }
  await vault.tell('integration', each.integrationGuid, each.integration({ authorization_server }), 2)
  await vault.grant(each, secondsLeft, vendor.desk.next('refresh'))
}

const statusOf = async (vault: Vault): Promise<unknown> =>
  (await vault.pool.query<{ status: string }>('select status from oauth_grant where guid = $1', [world.grantGuid]))
    .rows[0]?.status

const BROKEN_ENDPOINTS: readonly [string, () => string][] = [
  ['speaks no TLS', () => `${vendor.url.replace('http:', 'https:')}/token`],
  ['has a name that nobody knows', () => 'https://nobody.invalid/token'],
]

describe('R10 a provider', () => {
  it.each<[string, Fault | undefined, () => string]>([
    ...Object.entries(SICKNESSES).map(
      ([name, fault]) => [name, fault, () => `${vendor.url}/token`] as [string, Fault, () => string],
    ),
    ...BROKEN_ENDPOINTS.map(([name, url]) => [name, undefined, url] as [string, undefined, () => string]),
  ])('that %s loses nobody a grant, and a token that is still good is served', async (_name, fault, tokenEndpoint) => {
    const vault = hasty()
    await connect(vault, { secondsLeft: 5, tokenEndpoint: tokenEndpoint() })
    vendor.fault = fault
    expect((await vault.exchanged(world)).accessToken.reveal()).toBe('access-0')
    expect(await statusOf(vault)).toBe('usable')
  })

  it.each(Object.entries(SICKNESSES))(
    'that %s is what the app hears of when the token is no more',
    async (_name, fault) => {
      const vault = hasty()
      await connect(vault)
      vendor.fault = fault
      expect(await vault.refused(world)).toMatchObject({
        code: 'token_endpoint.unavailable',
        payload: { oauth_error: 'temporarily_unavailable' },
      })
      expect(await statusOf(vault)).toBe('usable')
    },
  )

  it('that is well again is asked again, and nobody need do anything', async () => {
    const vault = hasty()
    await connect(vault)
    vendor.fault = SICKNESSES['answers 500']
    await vault.refused(world)
    vendor.fault = undefined
    const issued = await eventually(() => vault.exchanged(world).catch(() => undefined), { timeoutMs: 10_000 })
    expect(issued?.accessToken.reveal()).toMatch(/^access-[1-9]/)
  })

  it('that refuses our client is an administrator’s matter, and no grant is lost', async () => {
    const vault = hasty()
    await connect(vault)
    vendor.fault = { done: false, status: 401, body: '{"error":"invalid_client"}' }
    expect(await vault.refused(world)).toMatchObject({ code: 'token_endpoint.failed' })
    expect(await statusOf(vault)).toBe('usable')
  })

  it('that refuses our client is asked ever more seldom, and at once when the settings have changed', async () => {
    const vault = hasty()
    await connect(vault)
    vendor.fault = { done: false, status: 401, body: '{"error":"invalid_client"}' }
    /** As if the last refusal had been then, and the first of them so long before. */
    const refused = (secondsAgo: number, sinceSeconds: number) =>
      vault.pool.query(
        `update oauth_grant set failed_at = clock_timestamp() - make_interval(secs => $2),
           failing_since = clock_timestamp() - make_interval(secs => $2 + $3) where guid = $1`,
        [world.grantGuid, secondsAgo, sinceSeconds],
      )
    const isAsked = async (): Promise<boolean> => {
      vendor.journal.length = 0
      expect(await vault.refused(world)).toMatchObject({ code: 'token_endpoint.failed' })
      return vendor.journal.length > 0
    }
    expect(await isAsked()).toBe(true)
    for (const [secondsAgo, sinceSeconds, asked] of [
      [3, 0, true],
      [30, 40, false],
      [50, 40, true],
      [280, 86_400, false],
      [310, 86_400, true],
    ] as const) {
      await refused(secondsAgo, sinceSeconds)
      expect(await isAsked()).toBe(asked)
    }
    await refused(3, 86_400)
    const { rows } = await vault.pool.query<{ state: IntegrationState }>(
      `select state from replica where kind = 'integration' and guid = $1`,
      [world.integrationGuid],
    )
    const { state } = rows[0]!
    await vault.tell('integration', world.integrationGuid, { ...state, client: { ...state.client!, scope: 'more' } }, 3)
    expect(await isAsked()).toBe(true)
  })

  it('that says invalid_grant, and nothing else, wants its user again', async () => {
    const vault = hasty()
    await connect(vault)
    vendor.fault = { done: false, status: 400, body: '{"error":"invalid_grant"}' }
    expect(await vault.refused(world)).toMatchObject({ payload: { oauth_error: 'consent_required' } })
    expect(await statusOf(vault)).toBe('consent_required')
  })
})

describe('R10 a provider that is left in peace', () => {
  /** People of one integration, whose tokens are no more. */
  const peopleOf = async (vault: Vault, count: number): Promise<World[]> => {
    const people = Array.from({ length: count }, () => house.world(world.integrationGuid))
    for (const each of people) await connect(vault, { each })
    return people
  }

  it('hears of five people and of no more, each of whom is told the same', async () => {
    const vault = hasty()
    const people = await peopleOf(vault, 12)
    vendor.fault = SICKNESSES['answers 500']
    for (const each of people) expect(await vault.refused(each)).toMatchObject({ code: 'token_endpoint.unavailable' })
    expect(vendor.journal).toHaveLength(5)
  })

  it('hears of one when it has said for how long, and of none for that time', async () => {
    const vault = hasty()
    const people = await peopleOf(vault, 4)
    vendor.fault = SICKNESSES['answers 429, Retry-After in seconds']
    for (const each of people) expect(await vault.refused(each)).toMatchObject({ code: 'token_endpoint.unavailable' })
    expect(vendor.journal).toHaveLength(1)
  })

  it('is not, when it refuses one after the other', async () => {
    const vault = hasty()
    const people = await peopleOf(vault, 7)
    vendor.fault = { done: false, status: 400, body: '{"error":"invalid_grant"}' }
    for (const each of people) await vault.refused(each)
    expect(vendor.journal).toHaveLength(7)
  })
})
