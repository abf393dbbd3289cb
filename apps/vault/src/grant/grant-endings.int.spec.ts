import { eventually } from '#libs/testing'
import { integrationContract } from '#libs/contracts'
import { newHouse, type World } from '../house.fixture.js'
import { GrantEndings } from './grant-endings.js'
import { grantStream } from './grant.stream.js'

const house = await newHouse()
const vault = house.process()
const endings = new GrantEndings(vault.pool, vault.streams, vault.safe, vault.replicas)

afterAll(async () => {
  await endings.beforeApplicationShutdown()
  await house.close()
})

async function authorized(): Promise<World> {
  const world = house.world()
  await vault.tellAll(world)
  await vault.grant(world, 3600)
  return world
}

const tokensOf = async ({ grantGuid }: World): Promise<number> =>
  (await vault.pool.query('select from safe where place like $1', [`grant/${grantGuid}/%`])).rowCount ?? 0

const statusOf = async ({ grantGuid }: World): Promise<string> =>
  (await vault.pool.query<{ status: string }>('select status from oauth_grant where guid = $1', [grantGuid])).rows[0]!
    .status

describe('grants whose integration or user is gone', () => {
  it.each([
    ['integration', 'integration_deleted'],
    ['user', 'user_deleted'],
  ] as const)('end with their %s, and their tokens are destroyed', async (kind, reason) => {
    const [world, other] = [await authorized(), await authorized()]
    expect(await tokensOf(world)).toBe(2)
    await vault.tell(kind, kind === 'user' ? world.viewerGuid : world.integrationGuid, null, 2)
    expect(await endings.sweep()).toBe(1)
    expect([await statusOf(world), await tokensOf(world)]).toEqual(['revoked', 0])
    expect([await statusOf(other), await tokensOf(other)]).toEqual(['usable', 2])
    const { version } = await vault.streams.load(grantStream, world.grantGuid)
    const { rows } = await vault.pool.query<{ data: string }>(
      'select data from event where stream_id = $1 and version = $2',
      [`grant-${world.grantGuid}`, version],
    )
    expect(JSON.parse(rows[0]!.data)).toEqual({ reason })
    expect(await endings.sweep()).toBe(0)
  })

  it('end where nobody noted what client they are of, and are nothing to recover then', async () => {
    const [world, other] = [await authorized(), await authorized()]
    await vault.pool.query(
      `update oauth_grant set client = null, lease_attempt = gen_random_uuid(), lease_until = clock_timestamp()
       where guid = $1`,
      [world.grantGuid],
    )
    expect(await vault.refused(world)).toMatchObject({ code: 'grant.none' })
    expect(await endings.sweep()).toBe(1)
    expect([await statusOf(world), await tokensOf(world)]).toEqual(['revoked', 0])
    expect([await statusOf(other), await tokensOf(other)]).toEqual(['usable', 2])
    expect(await vault.grants.unsettled(100, { pauseMs: 0, hopeMs: 1000 })).toEqual([])
    expect(await endings.sweep()).toBe(0)
    await vault.grant(world, 3600)
    expect(await endings.sweep()).toBe(0)
    expect((await vault.exchanged(world)).accessToken.reveal()).toBe('access-0')
  })

  it('end soon after the news has come', async () => {
    const world = await authorized()
    const message = { type: 'IntegrationChanged', schema_version: 1, revision: 1, version: 2, cause: [], state: null }
    const subject = `integrations.integration.${world.integrationGuid}`
    await vault.replicas.of(integrationContract).handle(message, subject)
    expect(await vault.refused(world)).toMatchObject({ payload: { oauth_error: 'invalid_target' } })
    await eventually(async () => (await statusOf(world)) === 'revoked')
  })
})
