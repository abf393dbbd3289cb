import { generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { Module, type DynamicModule, type Provider, type Type } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import { SignJWT, type JWK } from 'jose'
import { pino } from 'pino'
import { request } from 'undici'
import {
  ACTOR_HEADER,
  CALLERS,
  Secret,
  TOKEN_TYP,
  type Actor,
  type CallerName,
  type ServiceName,
} from '#libs/contracts'
import {
  Deployment,
  ServiceKeys,
  ServiceModule,
  settingsFrom,
  type DeploymentFacts,
  type Settings,
} from '#libs/service'

const ACTOR_KID = 'spec-actor'

export interface ServiceUnderTestOptions {
  readonly name: ServiceName
  readonly module: Type | DynamicModule
  readonly settings: Parameters<typeof settingsFrom>[1]
  /** The settings file's text; a loopback address in development unless told. */
  readonly settingsText?: string
  readonly databaseUrl?: string
  readonly natsUrl?: string
  readonly deployment?: Partial<DeploymentFacts>
  /** Values in the place of the module's own providers, by their tokens. */
  readonly overrides?: ReadonlyMap<unknown, unknown>
  /** Runs before the application is initialised. */
  readonly prepare?: (app: NestExpressApplication) => void | Promise<void>
}

export interface TestRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  /** Absent: nobody is known. */
  readonly actor?: Actor
  /** The service that calls, or the operator, named `spec`; the gateway unless told. */
  readonly caller?: CallerName
  /** Sent as JSON; a string, bytes and a stream are sent as they are. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface TestAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  readonly bytes: Buffer
  /** The body as JSON; throws when it is none. */
  json<T = Record<string, unknown>>(): T
}

/** One service in this process, on a port of its own, with keys that the spec holds: the spec is all its callers. */
export interface ServiceUnderTest {
  readonly app: NestExpressApplication
  readonly url: string
  request(request: TestRequest): Promise<TestAnswer>
  close(): Promise<void>
}

export const SETTINGS_TEXT = `
[Server]
Address = http://localhost:3939
[OAuth2]
ClientId = keybearer
ClientSecret = not-a-real-secret
OpenIDConnectIssuer = http://localhost:4000
[Development]
Loopback = true
`

export async function serviceUnderTest(options: ServiceUnderTestOptions): Promise<ServiceUnderTest> {
  const pairs = new Map(CALLERS.map((name) => [name, generateKeyPairSync('ed25519')]))
  const actorPair = generateKeyPairSync('ed25519')
  const all = [...pairs].map(([kid, { publicKey }]) => jwk(publicKey, kid))
  const own = pairs.get(options.name)
  if (!own) throw new Error(`not a service: ${options.name}`)

  const deployment = new Deployment({
    service: options.name,
    ...(options.databaseUrl && { databaseUrl: new Secret(options.databaseUrl) }),
    ...(options.natsUrl && { natsUrl: new Secret(options.natsUrl) }),
    ...options.deployment,
  })
  const settings: Settings = settingsFrom(options.settingsText ?? SETTINGS_TEXT, options.settings)
  class Root {}
  Module({
    imports: [
      ServiceModule.forRoot({
        deployment,
        settings,
        keys: await ServiceKeys.fromKeys(options.name, [jwk(own.privateKey, options.name)], all),
        pino: pino({ level: 'silent' }),
        actorKeys: () => Promise.resolve([jwk(actorPair.publicKey, ACTOR_KID)]),
      }),
      options.overrides && typeof options.module === 'function'
        ? overridden(options.module, options.overrides)
        : options.module,
    ],
  })(Root)
  const app = await NestFactory.create<NestExpressApplication>(Root, {
    bodyParser: false,
    logger: false,
    abortOnError: false,
  })
  await options.prepare?.(app)
  await app.init()
  await app.startAllMicroservices()
  const server = app.getHttpServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const sign = (typ: string, kid: string, key: KeyObject, issuer: string, claims: Record<string, unknown>) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'EdDSA', typ, kid })
      .setIssuer(issuer)
      .setAudience(options.name)
      .setIssuedAt()
      .setExpirationTime('60s')
      .setJti(randomUUID())
      .sign(key)

  return {
    app,
    url,
    async request({ method = 'GET', path, actor, caller = 'gateway', body, headers = {} }) {
      const callerPair = pairs.get(caller)
      if (!callerPair) throw new Error(`not a service: ${caller}`)
      const answer = await request(url + path, {
        method,
        headers: {
          authorization: `Bearer ${await sign(TOKEN_TYP.service, caller, callerPair.privateKey, caller, caller === 'operator' ? { sub: 'spec' } : {})}`,
          ...(actor && {
            [ACTOR_HEADER]: await sign(TOKEN_TYP.actor, ACTOR_KID, actorPair.privateKey, 'identity', { actor }),
          }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: isRaw(body) ? body : JSON.stringify(body) }),
      })
      const bytes = Buffer.from(await answer.body.arrayBuffer())
      const text = bytes.toString()
      return { status: answer.statusCode, headers: answer.headers, text, bytes, json: <T>() => JSON.parse(text) as T }
    },
    close: () => app.close(),
  }
}

const isRaw = (body: unknown): body is string | Buffer | Readable =>
  typeof body === 'string' || Buffer.isBuffer(body) || body instanceof Readable

const jwk = (key: KeyObject, kid: string): JWK => ({ ...key.export({ format: 'jwk' }), kid }) as JWK

/** The module with other values for some of its providers; all else is inherited. */
function overridden(module: Type, overrides: ReadonlyMap<unknown, unknown>): Type {
  class Overridden extends module {}
  const providers = (Reflect.getMetadata('providers', module) as Provider[]).map((provider) => {
    const token = typeof provider === 'function' ? provider : provider.provide
    return overrides.has(token) ? { provide: token, useValue: overrides.get(token) } : provider
  })
  Reflect.defineMetadata('providers', providers, Overridden)
  return Overridden
}
