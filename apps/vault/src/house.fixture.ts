import { createHash, createSecretKey, randomBytes, randomUUID, type KeyObject } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Logger } from '@nestjs/common'
import { generateKeyPair, SignJWT } from 'jose'
import type { Pool, PoolConfig } from 'pg'
import {
  contentContract,
  DomainError,
  groupContract,
  integrationContract,
  Secret,
  userContract,
  type ChangeContract,
  type ChangeMessage,
  type ContentState,
  type IntegrationState,
  type UserState,
} from '#libs/contracts'
import { PostgresEventStore, Streams } from '#libs/event-sourcing'
import { Freshness, OwnerQuestions, Replica, Replicas, TableReplica } from '#libs/messaging'
import { Discovery, IdTokens, Outbound, ProviderKeys } from '#libs/oauth'
import { AuthorizationSettings, ExchangeSettings, ServerSettings } from '#libs/service'
import { freshDatabase, type FreshDatabase } from '#libs/testing'
import { ClientSecrets } from './client-secret/client-secrets.js'
import { ConsentRequests } from './consent/consent-requests.js'
import { Consent } from './consent/consent.js'
import { Occasions } from './consent/occasions.js'
import { consentPath } from './consent/return-place.js'
import type { KeyActor } from './exchange/decide.js'
import type { ContentIdTokens } from './exchange/content-id-tokens.js'
import { Exchange, type Issued } from './exchange/exchange.js'
import { FactQueries } from './exchange/facts.js'
import { IssueLog } from './exchange/issue-log.js'
import { SubjectTokens } from './exchange/subject-tokens.js'
import { TemporaryCredentials } from './exchange/temporary-credentials.js'
import { GrantIdTokens } from './grant/grant-id-tokens.js'
import { GrantQueries } from './grant/grant.queries.js'
import { grantGuid, grantStream } from './grant/grant.stream.js'
import { putTokens } from './grant/grant.tokens.js'
import { Refreshes } from './grant/refresh.js'
import { clientFingerprint } from './provider/client-fingerprint.js'
import { ProviderCalls } from './provider/provider-calls.js'
import { Safe, type KeySource } from './safe/index.js'
import { ServiceAccountTokens } from './service-account/service-account-tokens.js'

// The vault's parts as a process has them, without Nest and NATS, and a provider to try them against: for its specs.

// What the specs provoke would fill the screen.
Logger.overrideLogger(false)

export const ADDRESS = 'https://kb.example'
export const CONSENT_URL = (integrationGuid: string, contentGuid: string): string =>
  ADDRESS + consentPath(integrationGuid, contentGuid)

/** A provider with rotating single-use refresh tokens, as strict as they come. */
export class FakeProvider {
  /** Bodies of the token requests, in order. */
  readonly calls: URLSearchParams[] = []
  /** Bodies of the revocations that it has carried out, in order. */
  readonly revoked: URLSearchParams[] = []
  /** What it answers next, instead of tokens. */
  fault: { status: number; body: object } | undefined
  rotates = true
  /** Members of its token responses beside or instead of the usual ones. */
  more: object = {}
  expiresIn: number | undefined = 3600
  refreshToken = 'refresh-0'
  code: { value: string; challenge: string } | undefined
  #count = 0
  #gate: Promise<void> | undefined
  #server: Server

  constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response))
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return this
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Lets every request wait for its answer until the returned function is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#gate = promise
    return () => {
      this.#gate = undefined
      resolve()
    }
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const form = new URLSearchParams(Buffer.concat(chunks).toString())
    const revokes = request.url === '/revoke'
    if (!revokes) this.calls.push(form)
    await this.#gate
    const { status, body } = revokes ? this.#revoke(form) : this.#answer(form)
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }

  #revoke(form: URLSearchParams): { status: number; body: object } {
    if (this.fault) return this.fault
    this.revoked.push(form)
    return { status: 200, body: {} }
  }

  #answer(form: URLSearchParams): { status: number; body: object } {
    if (this.fault) return this.fault
    const good =
      form.get('grant_type') === 'client_credentials' ||
      (form.get('grant_type') === 'refresh_token' ? this.#isCurrent(form) : this.#isOurCode(form))
    if (!good) return { status: 400, body: { error: 'invalid_grant' } }
    const count = ++this.#count
    if (this.rotates) this.refreshToken = `refresh-${count}`
    return {
      status: 200,
      body: {
        access_token: `access-${count}`,
        token_type: 'Bearer',
        ...(this.expiresIn !== undefined && { expires_in: this.expiresIn }),
        ...(this.rotates && { refresh_token: this.refreshToken }),
        scope: 'profile',
        ...this.more,
      },
    }
  }

  #isCurrent(form: URLSearchParams): boolean {
    return form.get('refresh_token') === this.refreshToken
  }

  #isOurCode(form: URLSearchParams): boolean {
    const { code } = this
    this.code = undefined
    const verifier = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    return code !== undefined && form.get('code') === code.value && verifier === code.challenge
  }
}

const KEYS = [1, 2].map(() => createSecretKey(randomBytes(32)))

/** The keys of all processes, as one of them has them. */
class Keys implements KeySource {
  active = 1
  /** The version that cannot be had, as when the key service is away for longer than keys are held. */
  away: number | undefined
  /** How often that one was wanted. */
  missed = 0

  key(version: number): KeyObject | undefined {
    if (version !== this.away) return KEYS[version - 1]
    this.missed++
    return undefined
  }
}

const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true })

const ofIdentity = { find: () => Promise.resolve(publicKey) }

/** A world of one owner, one viewer, one content item and one integration, known to the database's replicas. */
export class World {
  readonly ownerGuid = randomUUID()
  readonly viewerGuid = randomUUID()
  readonly contentGuid = randomUUID()
  readonly sid = 'session-of-the-viewer'

  constructor(
    readonly provider: FakeProvider,
    readonly integrationGuid: string = randomUUID(),
  ) {}

  get grantGuid(): string {
    return grantGuid(this.viewerGuid, this.integrationGuid)
  }

  get caller(): KeyActor {
    return { type: 'key', guid: randomUUID(), user: this.ownerGuid, role: 'publisher' }
  }

  user(guid: string, changes: Partial<UserState> = {}): UserState {
    const sessions = [{ sid: this.sid, expires_at: new Date(Date.now() + 3_600_000).toISOString() }]
    const names = { username: 'x', first_name: '', last_name: '', email: '' }
    return { guid, ...names, user_role: 'publisher', locked: false, group_guids: [], sessions, ...changes }
  }

  content(changes: Partial<ContentState> = {}): ContentState {
    return {
      guid: this.contentGuid,
      owner_guid: this.ownerGuid,
      name: 'report',
      access_type: 'logged_in',
      kind: 'interactive',
      upstream_url: null,
      locked: false,
      permissions: [],
      associations: [{ oauth_integration_guid: this.integrationGuid, auth_type: 'Viewer' }],
      ...changes,
    }
  }

  integration(changes: Partial<IntegrationState> = {}): IntegrationState {
    return {
      guid: this.integrationGuid,
      name: 'acme',
      auth_type: 'Viewer',
      authorization_server: {
        issuer: this.provider.url,
        authorization_endpoint: `${this.provider.url}/authorize`,
        token_endpoint: `${this.provider.url}/token`,
      },
      client: {
        client_id: 'keybearer',
        token_endpoint_auth_method: 'none',
        scope: 'profile',
        client_secret_reference: null,
      },
      quirks: [],
      ...changes,
    }
  }

  subjectToken(changes: Record<string, unknown> = {}): Promise<string> {
    const { iss = ADDRESS, aud = 'vault', typ = 'keybearer-user-session+jwt', ...claims } = changes
    return new SignJWT({ sub: this.viewerGuid, content: this.contentGuid, sid: this.sid, jti: randomUUID(), ...claims })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'k1', typ: String(typ) })
      .setIssuer(String(iss))
      .setAudience(String(aud))
      .setIssuedAt()
      .setExpirationTime(typeof claims['exp'] === 'number' ? claims['exp'] : '1h')
      .sign(privateKey)
  }

  /** A content session token. */
  contentToken(changes: Record<string, unknown> = {}): Promise<string> {
    const { iss = ADDRESS, aud = 'vault', typ = 'keybearer-content-session+jwt', ...claims } = changes
    return new SignJWT({ sub: this.contentGuid, jti: randomUUID(), ...claims })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'c1', typ: String(typ) })
      .setIssuer(String(iss))
      .setAudience(String(aud))
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(privateKey)
  }

  /** For a service account: the subject is the content itself. */
  async contentForm(changes: Record<string, string> = {}): Promise<Record<string, string>> {
    return {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:posit:connect:content-session-token',
      subject_token: await this.contentToken(),
      ...changes,
    }
  }

  async form(changes: Record<string, string> = {}): Promise<Record<string, string>> {
    return {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token_type: 'urn:posit:connect:user-session-token',
      subject_token: await this.subjectToken(),
      ...changes,
    }
  }
}

/** One process of the vault. */
export class VaultProcess {
  readonly authorization = new AuthorizationSettings()
  readonly policy = { requireContentKeys: false, consentUrl: CONSENT_URL }
  readonly settings = Object.assign(new ExchangeSettings(), {
    tokenRequestTimeoutMs: 2_000,
    refreshLeaseMs: 2_500,
    refreshWaitMs: 4_000,
  })
  readonly keys = new Keys()
  readonly safe = new Safe(this.keys)
  readonly freshness = new Freshness()
  readonly replicas = new Replicas(this.freshness)
  readonly outbound = new Outbound({ loopback: true })
  readonly calls = new ProviderCalls(this.outbound, this.settings)
  readonly streams: Streams
  readonly secrets: ClientSecrets
  readonly grants: GrantQueries
  readonly idTokens: GrantIdTokens
  readonly refreshes: Refreshes
  readonly serviceAccountTokens: ServiceAccountTokens
  /** What identity was asked to make: user, role, content. */
  readonly visitorKeys: string[][] = []
  whileKeyIsMade = (): Promise<void> => Promise.resolve()
  readonly issues: IssueLog
  /** What identity signs for content; rejects unless set. */
  signIdToken: ContentIdTokens['sign'] = () => Promise.reject(new Error('identity is down'))
  readonly exchange: Exchange
  readonly consent: Consent
  /** What the owners answer; rejects unless set. */
  ask: (contract: ChangeContract<unknown>, guid: string) => Promise<ChangeMessage | undefined> = () =>
    Promise.reject(new Error('the owner is down'))

  /** @param database what the hot path speaks to; the same as `pool`, or a wrapper that counts */
  constructor(
    readonly pool: Pool,
    database: Pool = pool,
    settings: Partial<ExchangeSettings> = {},
  ) {
    Object.assign(this.settings, settings)
    const questions = new OwnerQuestions((contract, guid) => this.ask(contract, guid), { quietMs: 0 })
    for (const contract of [
      contentContract,
      integrationContract,
      userContract,
      groupContract,
    ] as ChangeContract<unknown>[])
      this.replicas.add(new Replica(contract, new TableReplica(contract, pool), this.freshness, questions))
    this.streams = new Streams(new PostgresEventStore(pool))
    this.secrets = new ClientSecrets(pool, this.safe)
    this.grants = new GrantQueries(pool)
    this.idTokens = new GrantIdTokens(new IdTokens(new Discovery(this.outbound), new ProviderKeys(this.outbound)))
    this.refreshes = new Refreshes(
      pool,
      this.streams,
      this.grants,
      this.safe,
      this.secrets,
      this.calls,
      this.idTokens,
      this.settings,
    )
    this.serviceAccountTokens = new ServiceAccountTokens(
      pool,
      this.safe,
      this.secrets,
      this.calls,
      this.settings,
      this.replicas,
    )
    this.issues = new IssueLog(database, 'vault')
    const server = Object.assign(new ServerSettings(), { address: ADDRESS })
    this.exchange = new Exchange(
      new SubjectTokens({ viewer: ofIdentity, content: ofIdentity }, ADDRESS),
      new FactQueries(database, this.authorization),
      this.replicas,
      this.refreshes,
      this.serviceAccountTokens,
      {
        issue: async (...asked) => {
          this.visitorKeys.push(asked)
          await this.whileKeyIsMade()
          return { key: new Secret('kb_of_visitor'), expiresIn: 3600 }
        },
      },
      { sign: (content, audience) => this.signIdToken(content, audience) },
      new TemporaryCredentials(this.calls, this.settings),
      this.safe,
      this.issues,
      this.settings,
      this.policy,
    )
    this.consent = new Consent(
      pool,
      this.streams,
      this.replicas,
      new ConsentRequests(pool, this.safe),
      new Occasions(pool, this.replicas, this.authorization),
      this.secrets,
      this.safe,
      this.calls,
      this.idTokens,
      server,
      this.settings,
    )
    this.beFresh()
  }

  /** As after a heartbeat of each source. */
  beFresh(): void {
    const now = new Date().toISOString()
    for (const service of ['identity', 'integrations'] as const) {
      this.freshness.completed(service)
      this.freshness.looked(service, 0)
      this.freshness.heard(service, 1, { type: 'Heartbeat', complete_until: now, sent_at: now })
    }
  }

  /** Applies a document as a change message would. */
  async tell(
    kind: 'content' | 'user' | 'group' | 'integration',
    guid: string,
    state: object | null,
    version = 1,
  ): Promise<void> {
    await this.pool.query(
      `insert into replica (kind, guid, version, revision, state) values ($1, $2, $3, 1, $4)
       on conflict (kind, guid) do update set version = excluded.version, state = excluded.state`,
      [kind, guid, version, state === null ? null : JSON.stringify(state)],
    )
  }

  async tellAll(world: World): Promise<void> {
    await this.tell('user', world.ownerGuid, world.user(world.ownerGuid))
    await this.tell('user', world.viewerGuid, world.user(world.viewerGuid))
    await this.tell('content', world.contentGuid, world.content())
    await this.tell('integration', world.integrationGuid, world.integration())
  }

  /** @param secondsLeft that the access token is still good for */
  async grant(
    world: World,
    secondsLeft: number | null,
    refreshToken: string | null = world.provider.refreshToken,
    accessToken = 'access-0',
    scope: string | null = null,
    idToken?: string,
    client?: string,
  ): Promise<void> {
    const { viewerGuid: userGuid, integrationGuid } = world
    const expiresAt = secondsLeft === null ? null : new Date(Date.now() + secondsLeft * 1000)
    const command = {
      type: 'ObtainGrant',
      userGuid,
      integrationGuid,
      hasRefreshToken: refreshToken !== null,
      client: client ?? (await this.#clientOf(world)),
      expiresAt,
      scope,
      ...(idToken !== undefined && { idToken: { expiresAt: new Date(Date.now() + 300_000).toISOString() } }),
    } as const
    const context = { actor: { type: 'service', name: 'vault' }, commandId: randomUUID() }
    const { state } = await this.streams.load(grantStream, world.grantGuid)
    const generation = state.status === 'none' ? 1 : state.generation + 1
    await this.streams.handle(grantStream, world.grantGuid, command, context, {
      record: (client) =>
        putTokens(this.safe, client, world.grantGuid, generation, {
          accessToken: new Secret(accessToken),
          refreshToken: refreshToken === null ? undefined : new Secret(refreshToken),
          idToken: idToken === undefined ? undefined : new Secret(idToken),
        }),
    })
  }

  /** Of the integration as it is known at present. */
  async #clientOf(world: World): Promise<string> {
    const { rows } = await this.pool.query<{ state: IntegrationState | null }>(
      `select state from replica where kind = 'integration' and guid = $1`,
      [world.integrationGuid],
    )
    return clientFingerprint(rows[0]?.state ?? world.integration())
  }

  async exchanged(world: World, form: Record<string, string> = {}): Promise<Issued> {
    return await this.exchange.exchange(await world.form(form), world.caller)
  }

  /** The refusal of an exchange, as a client sees it. */
  async refused(world: World, form: Record<string, string> = {}): Promise<{ code: string; payload: unknown }> {
    try {
      await this.exchanged(world, form)
    } catch (error) {
      if (error instanceof DomainError) return { code: error.code, payload: error.payload }
      throw error
    }
    throw new Error('the exchange was not refused')
  }

  /** Connections that somebody holds at this moment. */
  get heldConnections(): number {
    return this.pool.totalCount - this.pool.idleCount
  }
}

/** A database and a provider for one spec file; processes are made as needed. */
export async function newHouse(): Promise<{
  database: FreshDatabase
  provider: FakeProvider
  world: (integrationGuid?: string) => World
  process: (options?: {
    settings?: Partial<ExchangeSettings>
    pool?: PoolConfig
  }) => VaultProcess & { statements: string[] }
  close: () => Promise<void>
}> {
  const database = await freshDatabase('vault')
  const provider = await new FakeProvider().start()
  const processes: VaultProcess[] = []
  return {
    database,
    provider,
    world: (integrationGuid) => new World(provider, integrationGuid),
    process: ({ settings, pool: config } = {}) => {
      const pool = database.pool({ max: 16, ...config })
      const statements: string[] = []
      const counting = new Proxy(pool, {
        get: (target, name) => {
          if (name !== 'query') return Reflect.get(target, name) as unknown
          return (statement: { text: string }) => {
            statements.push(statement.text)
            return target.query(statement)
          }
        },
      })
      const made = Object.assign(new VaultProcess(pool, counting, settings), { statements })
      processes.push(made)
      return made
    },
    close: async () => {
      await Promise.all(processes.map(({ outbound }) => outbound.close()))
      await provider.stop()
      await database.drop()
    },
  }
}
