import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Test } from '@nestjs/testing'
import { pino } from 'pino'
import {
  ACTOR_HEADER,
  type Actor,
  apiKeyContract,
  type ApiKeyState,
  type ChangeContract,
  contentContract,
  type ContentState,
  groupContract,
  type GroupState,
  Secret,
  type ServiceName,
  userContract,
  type UserState,
} from '#libs/contracts'
import { Freshness, Replicas } from '#libs/messaging'
import { Deployment, Readiness, ServiceKeys, ServiceModule, settingsFrom } from '#libs/service'
import { exportJWK, generateKeyPair } from 'jose'
import { AppModule } from '../app.module.js'
import { GATEWAY_SETTINGS } from '../config.js'
import { OpenSockets } from '../proxy/open-sockets.js'
import { PublicDoor } from './public-door.js'

/** What a fake service or app was sent. */
export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  body: string
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

type Behaviour = (request: IncomingMessage, response: ServerResponse, seen: Seen) => void | Promise<void>

/** A server that writes down what it is sent. */
export class Recorder {
  readonly seen: Seen[] = []
  readonly server: Server
  /** Sockets that were upgraded. */
  readonly sockets: Duplex[] = []
  behave: Behaviour = (_, response) => void response.end('ok')

  constructor() {
    this.server = createServer((request, response) => {
      const seen = this.#note(request)
      request.on('data', (chunk: Buffer) => (seen.body += chunk.toString()))
      void this.behave(request, response, seen)
    })
    this.server.on('upgrade', (request, socket) => {
      this.#note(request)
      this.sockets.push(socket)
      socket.on('error', () => undefined)
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n' +
          'Set-Cookie: keybearer_session=stolen\r\nSet-Cookie: app=1\r\n\r\n',
      )
      socket.pipe(socket)
    })
  }

  async listen(): Promise<string> {
    this.server.listen(0, '127.0.0.1')
    await once(this.server, 'listening')
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  get last(): Seen {
    return this.seen.at(-1)!
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    this.server.closeAllConnections()
    if (!this.server.listening) return
    this.server.close()
    await once(this.server, 'close')
  }

  #note({ method = '', url = '', headers, rawHeaders }: IncomingMessage): Seen {
    const seen = { method, url, headers, rawHeaders, body: '' }
    this.seen.push(seen)
    return seen
  }
}

export const newCookie = (): string => randomBytes(32).toString('base64url')
export const sidOf = (cookie: string): string =>
  createHash('sha256').update(Buffer.from(cookie, 'base64url')).digest('base64url')

/** The whole gateway, as `main.ts` starts it, between a client and recorders in the place of everything else. */
export class Street {
  readonly identity = new Recorder()
  readonly integrations = new Recorder()
  readonly vault = new Recorder()
  readonly vault2 = new Recorder()
  readonly app = new Recorder()
  /** Credentials that identity knows. */
  readonly actors = new Map<string, Actor>()
  /** Documents that the owners have, by guid. */
  readonly owned = new Map<string, { contract: ChangeContract<unknown>; state: object }>()
  missingConsents: string[] = []
  address!: URL
  appUrl!: string
  #version = 1
  #close: (() => Promise<void>)[] = []
  #readiness!: Readiness
  replicas!: Replicas
  freshness!: Freshness
  sockets!: OpenSockets

  /**
   * @param options `hears: false` for a gateway that has yet to read the copies; `scheme: 'https'` for one behind a proxy
   * that ends TLS
   */
  async open({ scheme = 'http', prefix = '', settings = '', hears = true } = {}): Promise<void> {
    this.#close.push(
      ...[this.identity, this.integrations, this.vault, this.vault2, this.app].map((each) => () => each.close()),
    )
    const [identity, integrations, vault, vault2] = await Promise.all(
      [this.identity, this.integrations, this.vault, this.vault2].map((recorder) => recorder.listen()),
    )
    this.appUrl = await this.app.listen()
    this.#behave()
    // After the others have theirs.
    const port = await freePort()
    this.address = new URL(`${scheme}://localhost:${port}${prefix}`)
    const deployment = new Deployment({
      service: 'gateway',
      natsUrl: new Secret('nats://127.0.0.1:1'),
      urls: { identity: [identity!], integrations: [integrations!], vault: [vault!, vault2!] },
    })
    const { privateKey } = await generateKeyPair('EdDSA', { extractable: true })
    const key = { ...(await exportJWK(privateKey)), kid: 'gateway' }
    const text = `
      [Server]
      Address = ${this.address.href}
      [HTTP]
      Listen = 127.0.0.1:${port}
      [Development]
      Loopback = true
      [OAuth2]
      ClientId = gateway-spec
      ClientSecret = none
      OpenIDConnectIssuer = "http://localhost:1"
      [Exchange]
      TokenRequestTimeout = 100ms
      RefreshLease = 200ms
      RefreshWait = 300ms
      RouteTimeout = 1s
      ${settings}`
    const module = await Test.createTestingModule({
      imports: [
        ServiceModule.forRoot({
          deployment,
          settings: settingsFrom(text, GATEWAY_SETTINGS),
          keys: await ServiceKeys.fromKeys('gateway', [key], [key]),
          pino: pino({ level: 'silent' }),
        }),
        AppModule,
      ],
    }).compile()
    module.useLogger(false)
    await module.init()
    this.replicas = module.get(Replicas)
    this.freshness = module.get(Freshness)
    this.sockets = module.get(OpenSockets)
    this.#readiness = module.get(Readiness)
    if (hears) this.refresh()
    await module.get(PublicDoor).open()
    this.#close.unshift(
      () => module.get(PublicDoor).close(0),
      () => module.close(),
    )
  }

  async close(): Promise<void> {
    for (const close of this.#close) await close()
  }

  /** What the launcher and the cluster are told. */
  async isReady(): Promise<boolean> {
    try {
      const answers = await Promise.all([...this.#readiness.checks.values()].map(async (check) => check()))
      return !answers.includes(false)
    } catch {
      return false
    }
  }

  /** As if heartbeats had just come. */
  refresh(): void {
    const now = new Date().toISOString()
    for (const service of ['identity', 'integrations'] as const) {
      this.freshness.completed(service)
      this.freshness.looked(service, 0)
      this.freshness.heard(service, 1, { type: 'Heartbeat', complete_until: now, sent_at: now })
    }
  }

  /** As if no heartbeat had come for an hour, although everything had been read once. */
  silence(): void {
    const sentAt = Date.now()
    const heartbeat = {
      type: 'Heartbeat',
      complete_until: new Date(sentAt - 3_600_000).toISOString(),
      sent_at: new Date(sentAt).toISOString(),
    } as const
    for (const service of ['identity', 'integrations'] as const) this.freshness.heard(service, 1, heartbeat)
  }

  /** As if a change message had come; `null`: deleted. */
  async tell<State extends { guid: string }>(
    contract: ChangeContract<State>,
    guid: string,
    state: State | null,
  ): Promise<void> {
    if (state) this.owned.set(guid, { contract, state })
    else this.owned.delete(guid)
    const message = {
      type: contract.type,
      schema_version: 1,
      revision: contract.revision,
      version: ++this.#version,
      cause: [],
      state,
    }
    await this.replicas.of(contract).handle(message, `${contract.service}.${contract.category}.${guid}`)
  }

  async user(changes: Partial<UserState> = {}): Promise<UserState> {
    const guid = changes.guid ?? randomUUID()
    const state: UserState = {
      guid,
      username: `user-${guid.slice(0, 4)}`,
      first_name: 'Vera',
      last_name: 'Lindqvist',
      email: 'vera@example.org',
      user_role: 'viewer',
      locked: false,
      group_guids: [],
      sessions: [],
      ...changes,
    }
    await this.tell(userContract, guid, state)
    return state
  }

  /** Somebody with a session, and the cookie that leads to it. */
  async login(
    changes: Partial<UserState> = {},
  ): Promise<{ user: UserState; cookie: string; sid: string; header: string }> {
    const cookie = newCookie()
    const sid = sidOf(cookie)
    const user = await this.user({
      ...changes,
      sessions: [{ sid, expires_at: new Date(Date.now() + 3_600_000).toISOString() }],
    })
    this.actors.set(cookie, { type: 'user', guid: user.guid, role: user.user_role, sid })
    return { user, cookie, sid, header: `keybearer_session=${cookie}` }
  }

  async group(name: string): Promise<GroupState> {
    const state = { guid: randomUUID(), name }
    await this.tell(groupContract, state.guid, state)
    return state
  }

  /** An API key that identity knows. */
  async apiKey(user: UserState, changes: Partial<ApiKeyState> = {}): Promise<{ key: string; guid: string }> {
    const guid = randomUUID()
    const key = `kb_${guid.replaceAll('-', '')}_${newCookie()}`
    this.actors.set(key, { type: 'key', guid, user: user.guid, role: user.user_role })
    await this.tell(apiKeyContract, guid, {
      guid,
      user_guid: user.guid,
      user_role: user.user_role,
      content_guid: null,
      expires_at: null,
      ...changes,
    })
    return { key, guid }
  }

  async content(changes: Partial<ContentState> = {}): Promise<ContentState> {
    const state = this.contentState(changes)
    await this.tell(contentContract, state.guid, state)
    return state
  }

  contentState(changes: Partial<ContentState> = {}): ContentState {
    return {
      guid: randomUUID(),
      owner_guid: randomUUID(),
      name: 'sales',
      access_type: 'logged_in',
      kind: 'interactive',
      upstream_url: this.appUrl,
      locked: false,
      permissions: [],
      associations: [],
      ...changes,
    }
  }

  /** A request to the public listener, as raw as it is given. */
  get(path: string, headers: Record<string, string | string[]> = {}): Promise<Answer> {
    return this.send('GET', path, headers)
  }

  async send(
    method: string,
    path: string,
    headers: Record<string, string | string[]> = {},
    body?: string,
  ): Promise<Answer> {
    const outgoing = request({
      host: '127.0.0.1',
      port: this.address.port,
      method,
      path,
      headers: { host: this.address.host, ...headers },
      agent: false,
    })
    outgoing.end(body)
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    const chunks: Buffer[] = []
    for await (const chunk of answer) chunks.push(chunk as Buffer)
    return { status: answer.statusCode!, headers: answer.headers, text: Buffer.concat(chunks).toString() }
  }

  /** A connection to the public listener. */
  connect(): Socket {
    return connect(Number(this.address.port), '127.0.0.1').on('error', () => undefined)
  }

  /** Writes bytes to the public listener; what came back until the connection was closed. */
  async raw(bytes: string): Promise<string> {
    const socket = this.connect()
    let answer = ''
    socket.setEncoding('latin1').on('data', (text: string) => (answer += text))
    socket.write(bytes, 'latin1')
    await once(socket, 'close')
    return answer
  }

  /** Asks for a WebSocket. */
  async upgrade(
    path: string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; headers: IncomingHttpHeaders; socket?: Duplex }> {
    const outgoing = request({
      host: '127.0.0.1',
      port: this.address.port,
      path,
      agent: false,
      headers: {
        host: this.address.host,
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
        'sec-websocket-version': '13',
        ...headers,
      },
    })
    outgoing.end()
    return await new Promise((resolve, reject) => {
      outgoing.once('error', reject)
      outgoing.once('upgrade', (answer, socket) => {
        socket.on('error', () => undefined)
        resolve({ status: answer.statusCode!, headers: answer.headers, socket })
      })
      outgoing.once('response', (answer) => {
        answer.resume()
        resolve({ status: answer.statusCode!, headers: answer.headers })
      })
    })
  }

  /** What the services were asked besides what was forwarded to them. */
  calls(recorder: Recorder, path: string): Seen[] {
    return recorder.seen.filter(({ url }) => url.split('?')[0] === path)
  }

  #behave(): void {
    const json = (
      response: ServerResponse,
      status: number,
      body: object,
      headers: Record<string, string> = {},
    ): void => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
    }
    const published: Behaviour = (request, response) => {
      const guid = request.url!.split('/').at(-1)!
      const found = this.owned.get(guid)
      if (!found) return json(response, 404, { code: 4, error: 'none' }, { 'keybearer-error': 'object.not_found' })
      const { contract, state } = found
      json(response, 200, {
        type: contract.type,
        schema_version: 1,
        revision: contract.revision,
        version: ++this.#version,
        cause: [],
        state,
      })
    }
    const forwarded =
      (service: ServiceName): Behaviour =>
      (request, response, seen) => {
        request.on('end', () =>
          json(response, 200, { service, actor: seen.headers[ACTOR_HEADER] ?? null, body: seen.body }),
        )
      }
    this.identity.behave = async (request, response, seen) => {
      if (request.url!.startsWith('/internal/published/')) return published(request, response, seen)
      if (request.url === '/internal/actor-assertions') {
        await once(request, 'end')
        const { credential, audience } = JSON.parse(seen.body) as { credential: { value: string }; audience: string }
        const actor = this.actors.get(credential.value)
        if (!actor)
          return json(response, 401, { code: 30, error: 'unknown' }, { 'keybearer-error': 'authentication.failed' })
        return json(response, 200, { actor, assertion: `${actor.type}-for-${audience}`, expires_in: 60 })
      }
      if (request.url === '/internal/user-session-tokens') {
        await once(request, 'end')
        const { content_guid } = JSON.parse(seen.body) as { content_guid: string }
        return json(response, 200, {
          token: `ust-${content_guid}-${this.calls(this.identity, request.url).length}`,
          expires_in: 3600,
        })
      }
      return forwarded('identity')(request, response, seen)
    }
    this.integrations.behave = (request, response, seen) =>
      (request.url!.startsWith('/internal/published/') ? published : forwarded('integrations'))(request, response, seen)
    for (const recorder of [this.vault, this.vault2]) {
      recorder.behave = (request, response, seen) =>
        request.url!.startsWith('/internal/missing-consents')
          ? json(response, 200, { missing: this.missingConsents })
          : forwarded('vault')(request, response, seen)
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
