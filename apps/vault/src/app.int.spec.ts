import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { jest } from '@jest/globals'
import { Module, type INestApplication } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { Pool } from 'pg'
import { pino } from 'pino'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { ACTOR_HEADER, Secret, TOKEN_TYP, type Actor } from '#libs/contracts'
import { Freshness, JetStreamServer } from '#libs/messaging'
import { assertRoutesArePoliced, Deployment, SECTIONS, ServiceModule, settingsFrom } from '#libs/service'
import { freshJetStream, type FreshJetStream } from '#libs/testing'
import { makeHouse } from '../../../libs/service/src/trust/house.fixture.js'
import { AppModule } from './app.module.js'
import { ADDRESS, newHouse, type World } from './house.fixture.js'

const CREDENTIALS = '/__api__/v1/oauth/integrations/credentials'

const house = await newHouse()
const trust = await makeHouse()
const vault = house.process()
const sessionKeys = await generateKeyPair('EdDSA', { extractable: true })
let folder: string
let nats: FreshJetStream
let identity: Server
let app: INestApplication
let url: string
let world: World

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vault-spec-'))
  const safeKeyFile = join(folder, 'safe.json')
  await writeFile(safeKeyFile, JSON.stringify({ active: 1, keys: { 1: randomBytes(32).toString('base64') } }), {
    mode: 0o600,
  })
  nats = await freshJetStream()
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(sessionKeys.publicKey)), kid: 's1' }] })
  identity = createServer((_, response) => response.end(jwks))
  await new Promise<void>((resolve) => identity.listen(0, '127.0.0.1', resolve))
  const identityUrl = `http://127.0.0.1:${(identity.address() as AddressInfo).port}`
  const deployment = new Deployment({
    service: 'vault',
    databaseUrl: new Secret(house.database.url),
    natsUrl: new Secret(nats.url),
    safeKeyFile,
    urls: { identity: [identityUrl], integrations: [identityUrl] },
  })
  const settings = settingsFrom(
    `[Server]\nAddress = ${ADDRESS}\n[OAuth2]\nClientId = x\nClientSecret = x\nOpenIDConnectIssuer = https://op.example\n`,
    SECTIONS,
  )
  class Root {}
  const service = ServiceModule.forRoot({
    deployment,
    settings,
    keys: await trust.keysOf('vault'),
    actorKeys: trust.actorKeys,
    pino: pino({ level: 'silent' }),
  })
  Module({ imports: [service, AppModule] })(Root)
  app = await NestFactory.create(Root, { bodyParser: false, logger: false, abortOnError: false })
  app.connectMicroservice({ strategy: app.get(JetStreamServer) })
  await app.startAllMicroservices()
  await app.listen(0, '127.0.0.1')
  url = await app.getUrl()
})

afterAll(async () => {
  await app?.close()
  identity?.close()
  await nats?.stop()
  await house.close()
  await rm(folder, { recursive: true })
})

beforeEach(async () => {
  world = house.world()
  await vault.tellAll(world)
  const freshness = app.get(Freshness)
  const now = new Date().toISOString()
  for (const each of ['identity', 'integrations'] as const) {
    freshness.completed(each)
    freshness.looked(each, 0)
    freshness.heard(each, 1, { type: 'Heartbeat', complete_until: now, sent_at: now })
  }
})

it('R01 waits for a database that says nothing no longer than ten seconds', () => {
  expect(app.get(Pool).options.query_timeout).toBe(10_000)
})

interface Options {
  from?: 'gateway' | 'identity' | 'integrations'
  body?: string
  type?: string
  headers?: Record<string, string>
}

const ask = async (method: string, path: string, actor: Actor | undefined, options: Options = {}) =>
  fetch(`${url}${path}`, {
    method,
    redirect: 'manual',
    headers: {
      authorization: `Bearer ${await trust.serviceToken(options.from ?? 'gateway', 'vault')}`,
      ...options.headers,
      ...(actor && { [ACTOR_HEADER]: await trust.assertion(actor, 'vault') }),
      ...(options.body !== undefined && { 'content-type': options.type ?? 'application/x-www-form-urlencoded' }),
    },
    ...(options.body !== undefined && { body: options.body }),
  })

const subjectToken = (): Promise<string> =>
  new SignJWT({ content: world.contentGuid, sid: world.sid })
    .setProtectedHeader({ alg: 'EdDSA', kid: 's1', typ: TOKEN_TYP.userSession })
    .setIssuer(ADDRESS)
    .setAudience('vault')
    .setSubject(world.viewerGuid)
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(sessionKeys.privateKey)

const exchange = async (actor: Actor | undefined): Promise<Response> => {
  const form = new URLSearchParams(await world.form({ subject_token: await subjectToken() }))
  return await ask('POST', CREDENTIALS, actor, { body: form.toString() })
}

const viewer = (): Actor => ({ type: 'user', guid: world.viewerGuid, role: 'viewer', sid: world.sid })

describe('the vault as a process', () => {
  it('has a policy on every route', () => {
    expect(() => assertRoutesArePoliced(app)).not.toThrow()
  })

  it('is ready once its copies have been read', async () => {
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
  })

  it('R11 I10 is not ready while its clock is ten minutes off the database’s, and says that it is the clock', async () => {
    const right = Date.now.bind(Date)
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => right() + 600_000)
    const answer = await fetch(`${url}/readyz`)
    clock.mockRestore()
    expect([answer.status, await answer.json()]).toEqual([
      503,
      expect.objectContaining({ error: { clock: { status: 'down' } } }),
    ])
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
  })

  it('C23 refuses an exchange in words for people, numbers for clients and the RFC’s word', async () => {
    const response = await exchange(world.caller)
    expect(response.status).toBe(404)
    expect(response.headers.get('cache-control')).toBe('no-store')
    for (const name of ['set-cookie', 'etag', 'access-control-allow-origin'])
      expect(response.headers.get(name)).toBeNull()
    expect(await response.json()).toEqual({
      code: 220,
      error: expect.any(String) as string,
      payload: {
        oauth_error: 'consent_required',
        consent_url: `${ADDRESS}/__oauth__/integrations/${world.integrationGuid}/login?return_to=%2Fcontent%2F${world.contentGuid}%2F`,
      },
    })
  })

  it('C18: knows nobody without a key, and browsers only at their pages', async () => {
    expect((await exchange(undefined)).status).toBe(401)
    expect(await (await exchange(viewer())).json()).toMatchObject({ code: 95 })
  })

  it('C17: takes a form and nothing else', async () => {
    const json = await ask('POST', CREDENTIALS, world.caller, { body: '{}', type: 'application/json' })
    expect(await json.json()).toMatchObject({ code: 210 })
    const twice = await ask('POST', CREDENTIALS, world.caller, { body: 'grant_type=a&grant_type=b' })
    expect(await twice.json()).toMatchObject({ code: 211 })
  })

  it('sends a browser that nobody knows to log in, and back to where it was', async () => {
    const path = `/__oauth__/integrations/${world.integrationGuid}/login?return_to=%2Fcontent%2Fa%2F`
    const response = await ask('GET', path, undefined)
    expect(response.status).toBe(302)
    expect(response.headers.get('location')).toBe(
      `${ADDRESS}/__login__?${new URLSearchParams({ return_to: path }).toString()}`,
    )
  })

  it('sends a viewer to the provider', async () => {
    const response = await ask('GET', `/__oauth__/integrations/${world.integrationGuid}/login`, viewer())
    expect(response.status).toBe(302)
    expect(response.headers.get('location')).toContain(`${world.provider.url}/authorize?`)
    expect(response.headers.get('cache-control')).toBe('no-store')
  })

  it('B01 tells whoever has no reason to consent that there is nothing to consent to', async () => {
    await vault.tell('content', world.contentGuid, world.content({ kind: 'rendered' }), 2)
    const from = encodeURIComponent(`/content/${world.contentGuid}/`)
    const response = await ask(
      'GET',
      `/__oauth__/integrations/${world.integrationGuid}/login?return_to=${from}`,
      viewer(),
    )
    expect([response.status, response.headers.get('location')]).toEqual([409, null])
    expect(await response.text()).toContain('This content asks nobody')
  })

  it('FLOW-03 takes the page that links to the consent for the one to come back to', async () => {
    const referer = `${ADDRESS}/content/${world.contentGuid}/x?y=1`
    const path = `/__oauth__/integrations/${world.integrationGuid}/login`
    expect((await ask('GET', path, viewer(), { headers: { referer } })).status).toBe(302)
    const { rows } = await vault.pool.query('select return_to from consent_request where user_guid = $1', [
      world.viewerGuid,
    ])
    expect(rows).toEqual([{ return_to: `/content/${world.contentGuid}/x?y=1` }])
  })

  it('B18: begins nothing for an image, a frame or a prefetch', async () => {
    const path = `/__oauth__/integrations/${world.integrationGuid}/login`
    const beginnings: Record<string, string>[] = [
      { 'sec-fetch-dest': 'image' },
      { 'sec-fetch-dest': 'iframe' },
      { 'sec-fetch-dest': 'script' },
      { 'sec-fetch-dest': 'empty' },
      { purpose: 'prefetch' },
      { 'sec-purpose': 'prefetch' },
    ]
    for (const headers of beginnings) {
      const response = await ask('GET', path, viewer(), { headers })
      expect([response.status, response.headers.get('location')]).toEqual([400, null])
      expect(await response.text()).toContain('Consent begins with a page that is opened.')
    }
  })

  it('B17 B11 shows a page that nobody can frame to whoever comes back without having been away', async () => {
    for (const path of ['callback', `callback/${world.integrationGuid}`]) {
      const response = await ask('GET', `/__oauth__/integrations/${path}?state=%3Cscript%3E&code=x`, viewer())
      expect(response.status).toBe(400)
      expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
      expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(await response.text()).not.toContain('<script')
    }
  })

  it('VAULT-08 takes client secrets from integrations only, and seals them', async () => {
    const reference = '7b0f1d3a-9d35-4c7a-8f0a-3f6f0a1f2b3c'
    const body = JSON.stringify({ integration_guid: world.integrationGuid, client_secret: 'hush-hush' })
    const put = (from: 'gateway' | 'integrations') =>
      ask('PUT', `/internal/client-secrets/${reference}`, undefined, { from, body, type: 'application/json' })
    expect((await put('gateway')).status).toBe(403)
    expect((await put('integrations')).status).toBe(204)
    const { rows } = await vault.pool.query<{ place: string; envelope: Buffer }>(
      `select place, envelope from safe where place like 'client_secret/%'`,
    )
    expect(rows.map(({ place }) => place)).toEqual([`client_secret/${reference}/${world.integrationGuid}`])
    expect(rows[0]?.envelope.includes('hush-hush')).toBe(false)
  })

  it('verifies service accounts for integrations, and for nobody else', async () => {
    const integration = world.integration({
      auth_type: 'Service Account',
      authorization_server: { token_endpoint: 'https://10.0.0.1/token' },
    })
    const path = '/internal/integration-verifications'
    const options = { body: JSON.stringify({ integration }), type: 'application/json' }
    const answer = await ask('POST', path, undefined, { ...options, from: 'integrations' })
    expect([answer.status, await answer.json()]).toEqual([
      400,
      expect.objectContaining({ code: 241, payload: { reason: 'address_forbidden' } }),
    ])
    const half = JSON.stringify({ integration: { ...integration, authorization_server: {} } })
    expect((await ask('POST', path, undefined, { ...options, body: half, from: 'integrations' })).status).toBe(400)
    for (const from of ['gateway', 'identity'] as const)
      expect((await ask('POST', path, undefined, { ...options, from })).status).toBe(403)
  })

  it('DISC-02 LOGIN-09 takes login tokens from identity and gives them to identity only', async () => {
    const path = `/internal/login-tokens/${world.viewerGuid}/${world.sid}`
    const body = JSON.stringify({ access_token: 'token-of-the-login', expires_in: 3600 })
    const put = (from: NonNullable<Options['from']>) =>
      ask('PUT', path, undefined, { from, body, type: 'application/json' })
    expect((await ask('GET', path, undefined, { from: 'identity' })).status).toBe(404)
    expect((await put('gateway')).status).toBe(403)
    expect((await put('identity')).status).toBe(204)
    for (const from of ['gateway', 'integrations'] as const) {
      const refused = await ask('GET', path, undefined, { from })
      expect(refused.status).toBe(403)
      expect(await refused.text()).not.toContain('token-of-the-login')
    }
    expect((await ask('GET', path, viewer(), { from: 'gateway' })).status).toBe(403)
    const given = await ask('GET', path, undefined, { from: 'identity' })
    expect(given.headers.get('cache-control')).toBe('no-store')
    expect(await given.json()).toEqual({ access_token: 'token-of-the-login' })
    // Neither the exchange nor the way of the viewer gives it to anybody.
    expect(await (await exchange(world.caller)).text()).not.toContain('token-of-the-login')
    const page = await ask('GET', `/__oauth__/integrations/${world.integrationGuid}/login`, viewer())
    expect(JSON.stringify([...page.headers]) + (await page.text())).not.toContain('token-of-the-login')
  })

  it('tells the gateway what is still to be consented to', async () => {
    const response = await ask(
      'GET',
      `/internal/missing-consents?content_guid=${world.contentGuid}&content_version=1`,
      viewer(),
    )
    expect(await response.json()).toEqual({ missing: [world.integrationGuid] })
  })
})
