import { randomUUID } from 'node:crypto'
import { Secret, type SecretStanding } from '#libs/contracts'
import type { InternalHttp } from '#libs/service'
import { newHouse } from '../house.fixture.js'
import { ClientSecretSweep } from './client-secret-sweep.js'

const house = await newHouse()
const vault = house.process()
/** What integrations say of each reference; nothing for one that they do not answer about. */
const standings = new Map<string, SecretStanding>()
let asked: string[]

const http = {
  call: (name: string, { params }: { params: { guid: string; reference: string } }) => {
    expect(name).toBe('namesSecret')
    asked.push(params.reference)
    const standing = standings.get(params.reference)
    return standing ? Promise.resolve(standing) : Promise.reject(new Error('down'))
  },
} as unknown as InternalHttp
const sweep = new ClientSecretSweep(vault.pool, http)

afterAll(() => house.close())
beforeEach(() => (asked = []))

const ago = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString()

/** A secret that has been in the safe for so many hours. */
async function secret(
  hours: number,
  standing?: SecretStanding,
  integrationGuid: string = randomUUID(),
): Promise<string> {
  const reference = randomUUID()
  if (standing) standings.set(reference, standing)
  await vault.secrets.put(reference, integrationGuid, new Secret('canary'))
  await vault.pool.query('update safe set sealed_at = $2 where place = $1', [
    `client_secret/${reference}/${integrationGuid}`,
    ago(hours),
  ])
  return reference
}

async function isKept(reference: string): Promise<boolean> {
  const { rowCount } = await vault.pool.query('select from safe where place like $1', [`client_secret/${reference}/%`])
  return rowCount === 1
}

describe('the sweep of client secrets', () => {
  it.each<[string, boolean, number, SecretStanding | undefined]>([
    ['is named', true, 1000, { standing: 'current', since: null }],
    ['has been replaced for two hours', false, 1000, { standing: 'former', since: ago(2) }],
    ['was replaced within the hour: a refresh may still need it', true, 1000, { standing: 'former', since: ago(0.9) }],
    ['was never named, for over a day', false, 25, { standing: 'never', since: null }],
    ['was never named, and is not a day old', true, 23, { standing: 'never', since: null }],
    ['nobody says anything about', true, 1000, undefined],
    ['is spoken of in words that are not known', true, 1000, { standing: 'lost', since: null } as never],
  ])('meets one that %s; kept: %s', async (_, kept, hours, standing) => {
    const reference = await secret(hours, standing)
    expect(await sweep.sweep()).toBe(kept ? 0 : 1)
    expect(asked).toContain(reference)
    expect(await isKept(reference)).toBe(kept)
    await vault.pool.query('delete from safe')
  })

  it('does not ask about what the copy names, nor about what has just come', async () => {
    const world = house.world()
    const named = await secret(1000, undefined, world.integrationGuid)
    const client = { ...world.integration().client!, client_secret_reference: named }
    await vault.tell('integration', world.integrationGuid, world.integration({ client }))
    const fresh = await secret(0.5)
    await sweep.sweep()
    expect(asked).toEqual([])
    expect([await isKept(named), await isKept(fresh)]).toEqual([true, true])
  })

  it('never destroys by the copy alone: an integration that is gone here is asked about', async () => {
    const world = house.world()
    const reference = await secret(1000, { standing: 'current', since: null }, world.integrationGuid)
    await vault.tell('integration', world.integrationGuid, null)
    await sweep.sweep()
    expect(asked).toEqual([reference])
    expect(await isKept(reference)).toBe(true)
  })

  it('leaves the other secrets of the safe alone', async () => {
    await vault.pool.query('delete from safe')
    await vault.safe.put(vault.pool, ['grant', randomUUID(), 'access_token'], 1, new Secret('canary'))
    await vault.pool.query('update safe set sealed_at = $1', [ago(1000)])
    expect(await sweep.sweep()).toBe(0)
    expect((await vault.pool.query('select from safe')).rowCount).toBe(1)
  })
})
