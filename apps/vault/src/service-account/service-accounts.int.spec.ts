import { randomUUID } from 'node:crypto'
import { Secret, type IntegrationState } from '#libs/contracts'
import { newHouse } from '../house.fixture.js'
import { ServiceAccounts } from './service-accounts.js'

const house = await newHouse()
const vault = house.process()
const accounts = new ServiceAccounts(vault.secrets, vault.calls, vault.settings)
const token = { status: 200, body: { access_token: 'canary-token', token_type: 'Bearer', expires_in: 60 } }

afterAll(() => house.close())
beforeEach(() => {
  house.provider.calls.length = 0
  house.provider.fault = token
})

/** A service account whose secret is in the safe. */
async function robot(secret = 'canary-secret', changes: Partial<IntegrationState> = {}): Promise<IntegrationState> {
  const reference = randomUUID()
  const world = house.world()
  await vault.secrets.put(reference, world.integrationGuid, new Secret(secret))
  const client = {
    client_id: 'robot',
    token_endpoint_auth_method: 'client_secret_post',
    scope: 'all-apis',
    client_secret_reference: reference,
  } as const
  return world.integration({ auth_type: 'Service Account', client, ...changes })
}

describe('the verification of a service account', () => {
  it('SVC-01 INT-06 asks for a token by the client credentials grant, and keeps nothing of it', async () => {
    await accounts.verify(await robot())
    expect(house.provider.calls.map((form) => Object.fromEntries(form))).toEqual([
      {
        grant_type: 'client_credentials',
        client_id: 'robot',
        client_secret: 'canary-secret',
        scope: 'all-apis',
      },
    ])
    const { rows } = await vault.pool.query('select from safe where place not like $1', ['client_secret/%'])
    expect(rows).toEqual([])
  })

  it('INT-20 uses a secret that was replaced from its next request on', async () => {
    const integration = await robot('canary-old')
    const reference = randomUUID()
    await vault.secrets.put(reference, integration.guid, new Secret('canary-new'))
    const client = { ...integration.client!, client_secret_reference: reference }
    await accounts.verify({ ...integration, client })
    expect(house.provider.calls[0]?.get('client_secret')).toBe('canary-new')
  })

  it.each([
    [
      'the provider refuses us',
      { status: 401, body: { error: 'invalid_client', error_description: 'canary' } },
      { reason: 'refused', provider_error: 'invalid_client', provider_status: 401 },
    ],
    ['the provider fails', { status: 500, body: {} }, { provider_status: 500 }],
    ['the answer is none', { status: 200, body: { canary: true } }, { reason: 'unintelligible' }],
    [
      'the provider repeats our secret',
      { status: 400, body: { error: 'canary-secret' } },
      { provider_error: 'unrecognised' },
    ],
  ])('F15 says what is wrong when %s, and nothing that was sent or answered', async (_, fault, payload) => {
    house.provider.fault = fault
    const refused = accounts.verify(await robot())
    await expect(refused).rejects.toMatchObject({ code: 'token_endpoint.failed', payload })
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining('canary') as string })
  })

  it.each([
    ['nobody listens', 'http://127.0.0.1:1/token'],
    ['nobody knows the name', 'https://nobody.invalid/token'],
    ['TLS is not spoken', `${house.provider.url.replace('http:', 'https:')}/token`],
  ])('F19 says the same whether %s or something else keeps it from an answer', async (_, token_endpoint) => {
    const refused = accounts.verify(await robot('canary', { authorization_server: { token_endpoint } }))
    await expect(refused).rejects.toMatchObject({
      code: 'token_endpoint.failed',
      payload: { reason: 'unreachable' },
    })
  })

  it('F15 goes to no address that is forbidden, and needs the secret', async () => {
    const forbidden = await robot('canary', { authorization_server: { token_endpoint: 'https://10.0.0.1/token' } })
    await expect(accounts.verify(forbidden)).rejects.toMatchObject({ payload: { reason: 'address_forbidden' } })
    const integration = await robot()
    const client = { ...integration.client!, client_secret_reference: randomUUID() }
    await expect(accounts.verify({ ...integration, client })).rejects.toMatchObject({
      payload: { reason: 'client_secret_missing' },
    })
    expect(house.provider.calls).toEqual([])
  })
})
