import path from 'node:path'
import { jest } from '@jest/globals'
import { assumeRoleWithWebIdentity, Outbound, TokenEndpointError } from '#libs/oauth'
import { contentSubject, Secret } from '#libs/contracts'
import { ServiceKeys, ServiceTokens } from '#libs/service'
import { SecurityTokenService, VendorServer } from '#libs/testing'
import { World } from './world.js'

jest.setTimeout(120_000)

const CONTENT = '40000000-0000-4000-8000-000000000001'
const AUDIENCE = 'sts.amazonaws.com'

describe('the word of a running house for its content, at an address with a path', () => {
  let world: World
  const sts = new SecurityTokenService()
  const server = new VendorServer(sts.vendor)
  const outbound = new Outbound({ loopback: true })

  beforeAll(async () => {
    await server.start()
    world = await World.start({ prefix: '/data/keybearer' })
  })
  afterAll(async () => {
    await outbound.close()
    await server.stop()
    await world?.stop()
  })

  /** What the vault gets from identity. */
  async function signed(): Promise<Secret> {
    const keys = path.join(world.house.data, 'keys')
    const tokens = new ServiceTokens(
      await ServiceKeys.fromFiles(
        'vault',
        path.join(keys, 'vault.service-key.json'),
        path.join(keys, 'service-keys.json'),
      ),
    )
    const { url } = world.house.running.processes.find(({ service }) => service === 'identity')!
    const answer = await fetch(`${url}/internal/content-id-tokens`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await tokens.mint('identity')}`, 'content-type': 'application/json' },
      body: JSON.stringify({ content_guid: CONTENT, audience: AUDIENCE }),
    })
    return new Secret(((await answer.json()) as { token: string }).token)
  }
  const trade = async (token: Secret) => {
    const parameters = {
      ...{ Action: 'AssumeRoleWithWebIdentity', Version: '2011-06-15' },
      RoleArn: 'arn:aws:iam::123456789012:role/analyst',
    }
    const service = { endpoint: `${server.url}/`, parameters }
    return await assumeRoleWithWebIdentity(outbound, service, token, `content-${CONTENT}`)
  }

  it('SVC-03 is believed by a token service that trusts the address, and by none that does not', async () => {
    const token = await signed()
    const refused = await trade(token).catch((error: unknown) => error)
    expect(refused).toMatchObject({ error: 'InvalidIdentityToken' } satisfies Partial<TokenEndpointError>)
    sts.trusted.set(world.address, [AUDIENCE])
    sts.admits = ({ sub }) => sub === contentSubject(CONTENT)
    expect((await trade(token)).accessKeyId).toMatch(/^ASIA/)
    expect(sts.sessions).toMatchObject([{ issuer: world.address, subject: contentSubject(CONTENT) }])
  })

  it('is for anybody to check, with and without credentials, and may be remembered for a while', async () => {
    for (const headers of [{}, { authorization: 'Key none-of-ours' }] as Record<string, string>[]) {
      const found = await fetch(`${world.address}/.well-known/openid-configuration`, { headers })
      if (headers['authorization']) expect(found.status).toBe(401)
      else expect([found.status, found.headers.get('cache-control')]).toEqual([200, 'public, max-age=900'])
    }
    const { origin } = new URL(world.address)
    expect((await fetch(`${origin}/.well-known/openid-configuration`)).status).toBe(404)
    const answer = await fetch(`${world.address}/.well-known/jwks.json`)
    const { keys } = (await answer.json()) as { keys: Record<string, string>[] }
    expect(keys.map((key) => [key['kty'], key['alg'], 'd' in key])).toEqual([['RSA', 'RS256', false]])
  })
})
