import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import type { Pool } from 'pg'
import type { Actor, Role } from '#libs/contracts'
import { Streams } from '#libs/event-sourcing'
import {
  eventually,
  freshDatabase,
  natsUrl,
  serviceUnderTest,
  type FreshDatabase,
  type ServiceUnderTest,
} from '#libs/testing'
import { AppModule } from '../app.module.js'
import { INTEGRATIONS_SETTINGS } from '../config.js'
import { integrationStream } from '../integration/integration.stream.js'
import { Todo } from '../todo/todo.js'

const person = (number: number, role: Role): Actor => ({
  type: 'key',
  guid: `00000000-0000-4000-8000-00000000000${number}`,
  user: `10000000-0000-4000-8000-00000000000${number}`,
  role,
})
const alice = person(1, 'administrator')
const priya = person(2, 'publisher')
const paul = person(3, 'publisher')
const vera = person(4, 'viewer')

const CONTENT = '/__api__/v1/content'
const INTEGRATIONS = '/__api__/v1/oauth/integrations'
const acme = {
  template: 'custom',
  name: 'Acme',
  config: {
    client_id: 'keybearer',
    client_secret: 'canary-client-secret',
    scopes: 'data:read',
    authorization_uri: 'https://acme.example/authorize',
    token_uri: 'https://acme.example/token',
  },
}

let database: FreshDatabase
let pool: Pool
let service: ServiceUnderTest
let vault: Server
/** What the vault was handed: method, path and body. */
let handedOver: { request: string; body: { integration_guid: string; client_secret: string } }[]
let vaultStatus: number

beforeAll(async () => {
  vault = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      handedOver.push({ request: `${request.method} ${request.url}`, body: JSON.parse(body) as never })
      response.writeHead(vaultStatus).end()
    })
  }).listen(0, '127.0.0.1')
  await once(vault, 'listening')
  database = await freshDatabase('integrations')
  pool = database.pool()
  service = await serviceUnderTest({
    name: 'integrations',
    module: AppModule,
    settings: INTEGRATIONS_SETTINGS,
    databaseUrl: database.url,
    natsUrl: natsUrl(),
    deployment: { urls: { vault: [`http://127.0.0.1:${(vault.address() as AddressInfo).port}`] } },
  })
})

afterAll(async () => {
  await service?.close()
  vault?.close()
  await database?.drop()
})

beforeEach(() => {
  handedOver = []
  vaultStatus = 204
})

const post = (path: string, actor: Actor, body: unknown, headers = {}) =>
  service.request({ method: 'POST', path, actor, body, headers })
const get = (path: string, actor: Actor) => service.request({ path, actor })

async function newContent(actor: Actor = priya, body: object = {}): Promise<string> {
  return (await post(CONTENT, actor, body)).json<{ guid: string }>().guid
}

async function newIntegration(): Promise<string> {
  return (await post(INTEGRATIONS, alice, acme)).json<{ guid: string }>().guid
}

describe('content', () => {
  it('is registered for the caller and shown alike to the owner and in the list', async () => {
    const answer = await post(CONTENT, priya, { name: 'sales', title: 'Sales' })
    expect(answer.status).toBe(200)
    const content = answer.json<{ guid: string }>()
    expect(content).toMatchObject({
      name: 'sales',
      title: 'Sales',
      access_type: 'acl',
      app_mode: 'unknown',
      app_role: 'owner',
    })
    expect((await get(`${CONTENT}/${content.guid}`, priya)).json()).toEqual(content)
    expect((await get(`${CONTENT}?name=sales`, priya)).json()).toEqual([content])
  })

  it('does not exist for those who may not see it', async () => {
    const guid = await newContent()
    const answer = await get(`${CONTENT}/${guid}`, vera)
    expect(answer.status).toBe(404)
    expect(answer.json()).toEqual({ code: 4, error: 'This content does not exist.', payload: null })
    expect((await get(`${CONTENT}/${guid}`, alice)).status).toBe(200)
  })

  it('has a name that is unique among its owner’s, also after a renaming', async () => {
    const guid = await newContent(priya, { name: 'orders' })
    expect((await post(CONTENT, priya, { name: 'orders' })).json()).toMatchObject({ code: 26 })
    expect((await post(CONTENT, paul, { name: 'orders' })).status).toBe(200)
    await service.request({ method: 'PATCH', path: `${CONTENT}/${guid}`, actor: priya, body: { name: 'old-orders' } })
    expect((await post(CONTENT, priya, { name: 'orders' })).status).toBe(200)
  })

  it('is made once however often the same idempotency key comes', async () => {
    const repeat = { 'idempotency-key': 'once' }
    const first = (await post(CONTENT, priya, { title: 'Once' }, repeat)).json()
    expect((await post(CONTENT, priya, { title: 'Once' }, repeat)).json()).toEqual(first)
    expect((await post(CONTENT, priya, { title: 'Other' }, repeat)).status).toBe(409)
  })

  it('takes an upstream_url from an administrator only, while no list permits more', async () => {
    const guid = await newContent()
    const patch = (actor: Actor) =>
      service.request({
        method: 'PATCH',
        path: `${CONTENT}/${guid}`,
        actor,
        body: { upstream_url: 'http://127.0.0.1:8501/' },
      })
    expect((await patch(priya)).json()).toMatchObject({ code: 22 })
    expect((await patch(alice)).json()).toMatchObject({ upstream_url: 'http://127.0.0.1:8501/' })
    const body = { upstream_url: 'http://my_app:8501/' }
    const answer = await service.request({ method: 'PATCH', path: `${CONTENT}/${guid}`, actor: alice, body })
    expect(answer.json()).toMatchObject(body)
  })

  it.each([
    [{ name: 'canary name' }, 5],
    [{ title: 'x' }, 122],
    [{ access_type: 'canary' }, 117],
    [{ app_mode: 'canary' }, 25],
    [{ upstream_url: 'ftp://canary/' }, 25],
    [{ upstream_url: 'http://apps/?key=canary' }, 25],
    [{ upstream_url: 'http://apps/#canary' }, 25],
    [{ upstream_url: 'http://canary@apps/' }, 25],
    [{ upstream_url: 'http:canary' }, 25],
    [{ upstream_url: 'http://can\tary/' }, 25],
    [{ name: null }, 5],
    [{ access_type: null }, 117],
    [{ app_mode: null }, 25],
  ])('refuses %j with the number of the contract and without its value', async (body, code) => {
    const guid = await newContent()
    const answer = await service.request({ method: 'PATCH', path: `${CONTENT}/${guid}`, actor: priya, body })
    expect(answer.status).toBe(400)
    expect(answer.json()).toMatchObject({ code })
    expect(answer.text).not.toContain('canary')
  })

  it('is not registered by viewers, nor by somebody unknown', async () => {
    expect((await post(CONTENT, vera, {})).json()).toMatchObject({ code: 22 })
    expect((await service.request({ method: 'POST', path: CONTENT, body: {} })).json()).toMatchObject({ code: 24 })
  })
})

describe('an integration', () => {
  it('INT-22 INT-32 answers without its secret, which is in the vault and nowhere here', async () => {
    const answer = await post(INTEGRATIONS, alice, acme)
    expect(answer.status).toBe(200)
    const integration = answer.json<{ guid: string; config: object }>()
    expect(integration.config).not.toHaveProperty('client_secret')
    expect(handedOver).toEqual([
      {
        request: expect.stringMatching(/^PUT \/internal\/client-secrets\/[0-9a-f-]{36}$/) as string,
        body: { integration_guid: integration.guid, client_secret: 'canary-client-secret' },
      },
    ])
    expect((await get(`${INTEGRATIONS}/${integration.guid}`, priya)).json()).toEqual(integration)
    const { rows } = await pool.query<{ everything: string }>(
      `select string_agg(e::text, '') || (select string_agg(i::text, '') from integration i) as everything from event e`,
    )
    expect(rows[0]?.everything).toContain('keybearer')
    expect(rows[0]?.everything).not.toContain('canary')
  })

  it('is not created when the vault is down', async () => {
    vaultStatus = 500
    const before = (await get(INTEGRATIONS, alice)).json<unknown[]>().length
    expect((await post(INTEGRATIONS, alice, acme)).status).toBe(503)
    expect((await get(INTEGRATIONS, alice)).json<unknown[]>()).toHaveLength(before)
  })

  it('hands its secret over once for a repeated request', async () => {
    const repeat = { 'idempotency-key': 'acme' }
    const first = (await post(INTEGRATIONS, alice, acme, repeat)).json()
    expect((await post(INTEGRATIONS, alice, acme, repeat)).json()).toEqual(first)
    expect(handedOver).toHaveLength(1)
    const other = { ...acme, config: { ...acme.config, client_secret: 'another' } }
    const raced = await Promise.all(
      [acme, other].map((body) => post(INTEGRATIONS, alice, body, { 'idempotency-key': 'raced' })),
    )
    expect(raced.map(({ status }) => status).sort()).toEqual([200, 409])
    expect(new Set(handedOver.slice(1).map(({ request }) => request)).size).toBe(handedOver.length - 1)
    handedOver = handedOver.slice(0, 1)
    expect((await post(INTEGRATIONS, alice, other, repeat)).status).toBe(409)
    expect(handedOver).toHaveLength(1)
  })

  it('is created by administrators only', async () => {
    expect((await post(INTEGRATIONS, priya, acme)).json()).toMatchObject({ code: 22 })
  })

  it.each([
    [{ template: 'acme' }, 404, 227],
    [{ config: { ...acme.config, token_uri: '' } }, 400, 228],
  ])('refuses %j', async (change, status, code) => {
    const answer = await post(INTEGRATIONS, alice, { ...acme, ...change })
    expect([answer.status, answer.json().code]).toEqual([status, code])
  })
})

describe('the associations of content', () => {
  const set = (guid: string, actor: Actor, ...integrations: string[]) =>
    service.request({
      method: 'PUT',
      path: `${CONTENT}/${guid}/oauth/integrations/associations`,
      actor,
      body: integrations.map((oauth_integration_guid) => ({ oauth_integration_guid })),
    })
  const list = async (guid: string) =>
    (await get(`${CONTENT}/${guid}/oauth/integrations/associations`, priya)).json<
      { oauth_integration_guid: string }[]
    >()

  it('ASC-03 ASC-04 are replaced by each PUT, and shown with their integration', async () => {
    const [guid, first, second] = [await newContent(), await newIntegration(), await newIntegration()]
    expect((await set(guid, priya, first.toUpperCase())).status).toBe(204)
    expect(await list(guid)).toMatchObject([{ oauth_integration_guid: first }])
    await set(guid, priya, second)
    expect(await list(guid)).toMatchObject([
      {
        content_guid: guid,
        oauth_integration_guid: second,
        oauth_integration_name: 'Acme',
        oauth_integration_auth_type: 'Viewer',
      },
    ])
    await set(guid, priya)
    expect(await list(guid)).toEqual([])
  })

  it('ASC-02 are refused whole when one integration is unknown', async () => {
    const [guid, known] = [await newContent(), await newIntegration()]
    const answer = await set(guid, priya, known, '00000000-0000-4000-8000-000000000009')
    expect(answer.json()).toMatchObject({ code: 207 })
    expect(await list(guid)).toEqual([])
  })

  it('do not exist for those who may not see the content, nor can they be set or the content deleted', async () => {
    const [guid, integration] = [await newContent(), await newIntegration()]
    await set(guid, priya, integration)
    const path = `${CONTENT}/${guid}`
    expect((await get(`${path}/oauth/integrations/associations`, vera)).json()).toMatchObject({ code: 4 })
    expect((await set(guid, paul, integration)).json()).toMatchObject({ code: 4 })
    expect((await service.request({ method: 'DELETE', path, actor: paul })).json()).toMatchObject({ code: 4 })
    expect(await list(guid)).toHaveLength(1)
  })

  it('ASC-10 go with their integration, also when its deletion was cut short', async () => {
    const [guid, integration] = [await newContent(), await newIntegration()]
    await set(guid, priya, integration)
    // What a crash between the two streams leaves behind.
    await service.app.get(Streams).handle(
      integrationStream,
      integration,
      { type: 'DeleteIntegration' },
      {
        actor: alice,
        commandId: randomUUID(),
      },
      { record: (client) => service.app.get(Todo).add(client, 'integration_deleted', [integration]) },
    )
    await eventually(async () => {
      const answer = await service.request({ path: `/internal/published/content/${guid}`, caller: 'vault' })
      return answer.json<{ state: { associations: unknown[] } }>().state.associations.length === 0
    })
    const answer = await service.request({ method: 'DELETE', path: `${INTEGRATIONS}/${integration}`, actor: alice })
    expect(answer.json()).toMatchObject({ code: 4 })
  })

  it('ASC-10 go with their integration', async () => {
    const [guid, integration] = [await newContent(), await newIntegration()]
    await set(guid, priya, integration)
    const answer = await service.request({ method: 'DELETE', path: `${INTEGRATIONS}/${integration}`, actor: alice })
    expect(answer.status).toBe(204)
    expect(await list(guid)).toEqual([])
  })

  it('are told to the vault and the gateway as part of the content’s published state', async () => {
    const [guid, integration] = [await newContent(), await newIntegration()]
    await set(guid, priya, integration)
    const answer = await service.request({ path: `/internal/published/content/${guid}`, caller: 'vault' })
    expect(answer.json()).toMatchObject({
      type: 'ContentChanged',
      version: 2,
      state: { guid, associations: [{ oauth_integration_guid: integration, auth_type: 'Viewer' }] },
    })
  })
})
