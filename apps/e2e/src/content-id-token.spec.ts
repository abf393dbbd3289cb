import path from 'node:path'
import { jest } from '@jest/globals'
import { assumeRoleWithWebIdentity, Outbound, TokenEndpointError } from '#libs/oauth'
import {
  contentSubject,
  GRANT_TYPE_TOKEN_EXCHANGE,
  REQUESTED_TOKEN_TYPE,
  Secret,
  SUBJECT_TOKEN_TYPE,
} from '#libs/contracts'
import { ServiceKeys, ServiceTokens } from '#libs/service'
import { eventually, SecurityTokenService, VendorServer } from '#libs/testing'
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

  it('SVC-03 brings a job that runs somewhere temporary credentials, and the audit log says so', async () => {
    const alice = world.person('alice')
    await alice.logIn()
    const key = await alice.makeKey('of alice')
    const config = { auth_type: 'Service Account', role_arn: 'arn:aws:iam::123456789012:role/analyst' }
    const role = { name: 'A role', template: 'aws', config }
    const { guid } = await world.call<{ guid: string }>(key, 'POST', '/v1/oauth/integrations', role)
    const content = await world.makeContent(key, 'job', world.probe.url, [guid])
    // The real service is far away: the vault's own copy of the integration is told of another one.
    await eventually(async () => {
      const { rowCount } = await world.house.pool('vault').query(
        `update replica set state = jsonb_set(state::jsonb, '{issues,endpoint}', to_jsonb($1::text))::json
         where kind = 'integration' and guid = $2`,
        [`${server.url}/`, guid],
      )
      return rowCount === 1
    })
    sts.trusted.set(world.address, [AUDIENCE])
    sts.admits = ({ sub }) => sub === contentSubject(content)
    const { token } = await world.call<{ token: string }>(key, 'POST', `/v1/content/${content}/session-token`)
    const body = await eventually(async () => {
      const answer = await fetch(`${world.address}/__api__/v1/oauth/integrations/credentials`, {
        method: 'POST',
        headers: { authorization: `Key ${key}` },
        body: new URLSearchParams({
          grant_type: GRANT_TYPE_TOKEN_EXCHANGE,
          subject_token_type: SUBJECT_TOKEN_TYPE.contentSession,
          subject_token: token,
          requested_token_type: REQUESTED_TOKEN_TYPE.temporaryCredentials,
        }),
      })
      return answer.status === 200 && ((await answer.json()) as Record<string, string>)
    })
    expect(body).toMatchObject({
      issued_token_type: 'urn:ietf:params:aws:token-type:credentials',
      token_type: 'aws_credentials',
    })
    const credentials = JSON.parse(Buffer.from(body['access_token']!, 'base64').toString()) as Record<string, string>
    expect(Object.keys(credentials)).toEqual(['accessKeyId', 'secretAccessKey', 'sessionToken', 'expiration'])
    expect(credentials['expiration']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    expect(sts.sessions.at(-1)).toMatchObject({ name: `content-${content}`, subject: contentSubject(content) })
    const found = await eventually(async () => {
      const path = '/v1/search/auditlogs?q=action:issue_temporary_credentials'
      const { results } = await world.call<{ results: { event_description: string }[] }>(key, 'GET', path)
      return results.length > 0 && results
    })
    expect(found.map(({ event_description }) => event_description)).toEqual([
      `Temporary credentials were handed to a content item: content_guid=${content}, integration_guid=${guid}, session_name=content-${content}`,
    ])
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
