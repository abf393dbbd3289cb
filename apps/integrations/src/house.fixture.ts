import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import type { Pool } from 'pg'
import {
  groupContract,
  userContract,
  type Actor,
  type ChangeMessage,
  type GroupState,
  type Role,
  type UserState,
} from '#libs/contracts'
import { Freshness, Replicas } from '#libs/messaging'
import { ERROR_CODE_HEADER } from '#libs/service'
import { freshDatabase, natsUrl, serviceUnderTest, type ServiceUnderTest, type TestAnswer } from '#libs/testing'
import { AppModule } from './app.module.js'
import { INTEGRATIONS_SETTINGS } from './config.js'

// This service with the other two played by the spec: for specs of its edge.

export const CONTENT = '/__api__/v1/content'
export const INTEGRATIONS = '/__api__/v1/oauth/integrations'

/** A form that is filled in correctly. */
export const acme = {
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

/** The same for a service account. */
export const robot = {
  template: 'custom',
  name: 'Robot',
  config: {
    auth_type: 'Service Account',
    client_id: 'keybearer',
    client_secret: 'canary-client-secret',
    token_uri: 'https://acme.example/token',
  },
}

/** What the vault was asked: method and path, and the body. */
export interface Asked {
  readonly request: string
  readonly body: Record<string, unknown>
}

export class House {
  /** What the vault was asked, in order. */
  asked: Asked[] = []
  /** What the vault answers; 204 unless told. */
  vaultAnswers: { status: number; headers?: Record<string, string>; body?: object } = { status: 204 }

  constructor(
    readonly service: ServiceUnderTest,
    readonly pool: Pool,
    /** As the role that migrates, which may do more. */
    readonly ownerPool: Pool,
    readonly close: () => Promise<void>,
    private readonly documents: Map<string, ChangeMessage>,
  ) {}

  /** Somebody whom identity knows, and who comes with an API key. */
  async person(role: Role, groups: readonly string[] = [], guid: string = randomUUID()): Promise<Actor> {
    const names = { username: `u-${guid.slice(0, 8)}`, first_name: 'U', last_name: guid.slice(0, 8), email: '' }
    const state: UserState = {
      guid,
      ...names,
      user_role: role,
      locked: false,
      group_guids: [...groups],
      sessions: [],
    }
    await this.#tell('user', guid, state)
    return { type: 'key', guid: randomUUID(), user: guid, role }
  }

  /** Somebody joins groups, and no message says so yet: only identity knows. */
  joinsUnheard(actor: Actor, groups: readonly string[]): void {
    const { user: guid } = actor as Extract<Actor, { type: 'key' }>
    const message = this.documents.get(guid)!
    const state = { ...(message.state as UserState), group_guids: [...groups] }
    this.documents.set(guid, { ...message, version: message.version + 1, state })
  }

  /** @returns its guid */
  async group(guid: string = randomUUID()): Promise<string> {
    const state: GroupState = { guid, name: `g-${guid.slice(0, 8)}` }
    await this.#tell('group', guid, state)
    return guid
  }

  async deleteGroup(guid: string): Promise<void> {
    await this.#tell('group', guid, null)
  }

  post(path: string, actor: Actor | undefined, body: unknown, headers = {}): Promise<TestAnswer> {
    return this.service.request({ method: 'POST', path, body, headers, ...(actor && { actor }) })
  }

  patch(path: string, actor: Actor, body: unknown, headers = {}): Promise<TestAnswer> {
    return this.service.request({ method: 'PATCH', path, actor, body, headers })
  }

  get(path: string, actor: Actor): Promise<TestAnswer> {
    return this.service.request({ path, actor })
  }

  delete(path: string, actor: Actor): Promise<TestAnswer> {
    return this.service.request({ method: 'DELETE', path, actor })
  }

  /** @returns its guid */
  async newIntegration(administrator: Actor, body: object = acme): Promise<string> {
    const answer = await this.post(INTEGRATIONS, administrator, body)
    if (answer.status !== 200) throw new Error(`not created: ${answer.text}`)
    return answer.json<{ guid: string }>().guid
  }

  /** @returns its guid */
  async newContent(owner: Actor, body: object = {}): Promise<string> {
    const answer = await this.post(CONTENT, owner, body)
    if (answer.status !== 200) throw new Error(`not registered: ${answer.text}`)
    return answer.json<{ guid: string }>().guid
  }

  associate(contentGuid: string, actor: Actor, ...integrations: string[]): Promise<TestAnswer> {
    return this.service.request({
      method: 'PUT',
      path: `${CONTENT}/${contentGuid}/oauth/integrations/associations`,
      actor,
      body: integrations.map((oauth_integration_guid) => ({ oauth_integration_guid })),
    })
  }

  /** The guids of the integrations that a content item has. */
  async associated(contentGuid: string, actor: Actor): Promise<string[]> {
    const answer = await this.get(`${CONTENT}/${contentGuid}/oauth/integrations/associations`, actor)
    return answer.json<{ oauth_integration_guid: string }[]>().map(({ oauth_integration_guid: guid }) => guid)
  }

  async #tell(category: 'user' | 'group', guid: string, state: object | null): Promise<void> {
    const contract = category === 'user' ? userContract : groupContract
    const version = (this.documents.get(guid)?.version ?? 0) + 1
    const { type, revision } = contract
    const message: ChangeMessage = { type, schema_version: 1, revision, version, cause: [], state }
    this.documents.set(guid, message)
    await this.service.app.get(Replicas).of<unknown>(contract).handle(message, `identity.${category}.${guid}`)
    this.#beFresh()
  }

  #beFresh(): void {
    const freshness = this.service.app.get(Freshness)
    const now = new Date().toISOString()
    freshness.completed('identity')
    freshness.heard('identity', 1, { sent_at: now, complete_until: now }, performance.now())
  }
}

/** @param settingsText the settings file, instead of the usual one */
export async function newHouse(settingsText?: string): Promise<House> {
  const documents = new Map<string, ChangeMessage>()
  const played: Server[] = []
  const play = async (answer: (request: string, body: unknown) => House['vaultAnswers']): Promise<string> => {
    const server = createServer((request, response) => {
      let text = ''
      request.on('data', (chunk: Buffer) => (text += chunk.toString()))
      request.on('end', () => {
        const { status, headers, body } = answer(
          `${request.method} ${request.url}`,
          text === '' ? {} : JSON.parse(text),
        )
        response.writeHead(status, { 'content-type': 'application/json', ...headers })
        response.end(body === undefined ? undefined : JSON.stringify(body))
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    played.push(server)
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  const vault = await play((request, body) => {
    house.asked.push({ request, body: body as Record<string, unknown> })
    return house.vaultAnswers
  })
  const identity = await play((request) => {
    const document = documents.get(request.slice(request.lastIndexOf('/') + 1))
    return document
      ? { status: 200, body: document }
      : { status: 404, headers: { [ERROR_CODE_HEADER]: 'object.not_found' }, body: {} }
  })
  const database = await freshDatabase('integrations')
  const service = await serviceUnderTest({
    name: 'integrations',
    module: AppModule,
    settings: INTEGRATIONS_SETTINGS,
    ...(settingsText !== undefined && { settingsText }),
    databaseUrl: database.url,
    natsUrl: natsUrl(),
    deployment: { urls: { vault: [vault], identity: [identity] } },
  })
  const close = async (): Promise<void> => {
    await service.close()
    for (const server of played) server.close()
    await database.drop()
  }
  const house = new House(service, database.pool(), database.ownerPool(), close, documents)
  return house
}
