import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose'
import { freshDatabase, type FreshDatabase } from '#libs/testing'
import { identityUnderTest, keyOf, type IdentityUnderTest } from '../identity-under-test.conformance.js'

const ADDRESS = 'http://localhost:3939'
const content_guid = '40000000-0000-4000-8000-000000000001'
const body = { content_guid, audience: 'sts.example.com' }

let database: FreshDatabase
let service: IdentityUnderTest

beforeAll(async () => {
  database = await freshDatabase('identity')
  service = await identityUnderTest(database)
})
afterAll(async () => {
  await service?.close()
  await database?.drop()
})

const sign = (more: object = {}, caller: 'vault' | 'gateway' = 'vault') =>
  service.request({ method: 'POST', path: '/internal/content-id-tokens', body: { ...body, ...more }, caller })

describe('an ID token of content', () => {
  it('SVC-03 is believed by whoever knows no more than the address of this server', async () => {
    const found = await service.request({ path: '/.well-known/openid-configuration' })
    expect(found.status).toBe(200)
    expect(found.headers['cache-control']).toBe('public, max-age=900')
    const document = found.json<{ issuer: string; jwks_uri: string }>()
    expect(document).toEqual({
      issuer: ADDRESS,
      jwks_uri: `${ADDRESS}/.well-known/jwks.json`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      claims_supported: ['iss', 'sub', 'aud', 'exp', 'iat', 'jti'],
    })
    const jwks = await service.request({ path: new URL(document.jwks_uri).pathname })
    expect(jwks.headers['cache-control']).toBe('public, max-age=900')
    const keys = jwks.json<JSONWebKeySet>()
    // The second is there before it signs.
    expect(keys.keys.map(({ kid }) => kid)).toEqual(['i1', 'i2'])

    const { token, expires_in } = (await sign()).json<{ token: string; expires_in: number }>()
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
      issuer: document.issuer,
      audience: 'sts.example.com',
      subject: `content:${content_guid}`,
      algorithms: ['RS256'],
    })
    expect([payload.exp! - payload.iat!, expires_in]).toEqual([300, 300])
    expect(Object.keys(payload).sort()).toEqual(['aud', 'exp', 'iat', 'iss', 'jti', 'sub'])
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'i1' })
    const again = (await sign()).json<{ token: string }>()
    expect(again.token).not.toBe(token)
  })

  it('is for the vault alone, and for somebody', async () => {
    expect((await sign({}, 'gateway')).status).toBe(403)
    const actor = keyOf('40000000-0000-4000-8000-000000000002', 'administrator')
    const asked = { method: 'POST', path: '/internal/content-id-tokens', body, actor, caller: 'vault' } as const
    expect((await service.request(asked)).status).toBe(403)
    expect((await sign({ audience: '' })).status).toBe(400)
    expect((await sign({ content_guid: 'x' })).status).toBe(400)
  })
})
