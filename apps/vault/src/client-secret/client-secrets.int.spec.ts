import { randomUUID } from 'node:crypto'
import { Secret, type IntegrationState } from '#libs/contracts'
import { newHouse } from '../house.fixture.js'

const house = await newHouse()
const vault = house.process()
let integration: IntegrationState
let reference: string

beforeEach(() => {
  const world = house.world()
  reference = randomUUID()
  integration = world.integration({ client: { ...world.integration().client!, client_secret_reference: reference } })
})
afterEach(() => (vault.keys.away = undefined))
afterAll(() => house.close())

const put = (guid = integration.guid) => vault.secrets.put(reference, guid, new Secret('s3cret'))
const secret = async () => (await vault.secrets.providerOf(integration)).clientSecret?.reveal()

describe('a client secret', () => {
  it('VAULT-08 E17 opens for its own integration only', async () => {
    await put()
    expect(await secret()).toBe('s3cret')
    const { rows } = await vault.pool.query<{ place: string }>('select place from safe where place like $1', [
      `client_secret/${reference}/%`,
    ])
    const thief = randomUUID()
    await vault.pool.query('update safe set place = $1 where place = $2', [
      `client_secret/${reference}/${thief}`,
      rows[0]!.place,
    ])
    expect(await secret()).toBeUndefined()
    integration = { ...integration, guid: thief }
    expect(await secret()).toBeUndefined()
  })

  it('R16 is not taken for none while the keys are away: that is no fault of the integration', async () => {
    await put()
    vault.keys.away = 1
    await expect(secret()).rejects.toMatchObject({ kind: 'unavailable', code: 'safe.key_missing' })
    vault.keys.away = undefined
    expect(await secret()).toBe('s3cret')
  })
})
