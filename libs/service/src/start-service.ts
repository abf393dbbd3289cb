import 'reflect-metadata'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { type DynamicModule, Module, type Type } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import type { ServiceName } from '#libs/contracts'
import { Readiness } from './health/readiness.js'
import { createPino, type Pino, PinoLoggerService } from './log/logger.js'
import { RequestsInHand } from './observe.js'
import { ServiceModule } from './service.module.js'
import { Deployment } from './settings/deployment.js'
import { loadSettings, type Settings, SettingsError, settingsSentence } from './settings/load-settings.js'
import type { SectionClass } from './settings/setting.js'

/** Together with what follows less than the ten seconds after which a supervisor loses patience. */
const STOP_WITHIN_MS = 7_000
/** For what comes after the requests: database, NATS. */
const CLOSE_WITHIN_MS = 2_000
/** EX_CONFIG of sysexits.h: a supervisor that starts the process again mends nothing. */
const CONFIGURATION_FAULT = 78
/** Node's default of 5 s closes a connection under the callers' feet; theirs are kept for 4 s. */
const KEEP_ALIVE_MS = 65_000
/** Longer than a large upload may take; how long other bodies may take is the body reader's to say. */
const REQUEST_MS = 31 * 60_000

export interface ServiceOptions {
  readonly name: ServiceName
  /** The service's own module. */
  readonly module: Type | DynamicModule
  /** The sections of the settings file that it uses. */
  readonly settings: readonly SectionClass[]
  /** Runs before the application is initialised, for example to `connectMicroservice`. */
  readonly prepare?: (app: NestExpressApplication) => void | Promise<void>
  /** Runs first when the process is to stop, for example to close a second listener; told `stopWithinMs`. */
  readonly stop?: (app: NestExpressApplication, withinMs: number) => void | Promise<void>
  /** Work that goes on although nobody waits for its answer any more; awaited together with the requests in hand. */
  readonly finish?: (app: NestExpressApplication) => Promise<void>
  /** Lets several processes share the port. */
  readonly reusePort?: boolean
  /** How long requests in hand may take after SIGTERM, in milliseconds; 7,000 unless told. */
  readonly stopWithinMs?: number | ((settings: Settings) => number)
}

/**
 * Starts a service: reads deployment and settings, builds the application, starts its microservices and listens on the
 * internal port. SIGTERM and SIGINT end it: not ready, no new requests, those in hand finished, all closed, exit 0.
 * A fault at the start is logged as one line and ends the process with 1, one of the
 * settings with 78.
 */
export async function startService(options: ServiceOptions): Promise<NestExpressApplication> {
  let pino: Pino | undefined
  try {
    const deployment = Deployment.read(options.name)
    pino = createPino(deployment)
    dieLoudly(pino)
    const settings = loadSettings(deployment.configFile, options.settings)
    const level = deployment.warningsShown ? 'info' : 'warn'
    for (const warning of settings.warnings) pino[level]({ setting: warning }, settingsSentence(warning))
    return await run(options, deployment, settings, pino)
  } catch (error) {
    await fail(pino ?? createPino(new Deployment({ service: options.name })), error)
    throw error
  }
}

async function run(
  options: ServiceOptions,
  deployment: Deployment,
  settings: Settings,
  pino: Pino,
): Promise<NestExpressApplication> {
  class Root {}
  Module({ imports: [ServiceModule.forRoot({ deployment, settings, pino }), options.module] })(Root)
  const logger = new PinoLoggerService(pino)
  const app = await NestFactory.create<NestExpressApplication>(Root, {
    bodyParser: false,
    logger,
    abortOnError: false,
    routeConflictPolicy: { duplicate: 'error' },
  })
  await options.prepare?.(app)
  await app.init()
  await app.startAllMicroservices()
  const server = app.getHttpServer() as Server
  server.keepAliveTimeout = KEEP_ALIVE_MS
  server.requestTimeout = REQUEST_MS
  server.listen({ port: deployment.port, host: deployment.host, reusePort: options.reusePort ?? false })
  await once(server, 'listening')
  pino.info({ address: server.address() }, 'listening')
  const { stop: first, finish, stopWithinMs = STOP_WITHIN_MS } = options
  const withinMs = typeof stopWithinMs === 'number' ? stopWithinMs : stopWithinMs(settings)
  stopOnSignals(app, server, pino, { withinMs, ...(first && { first }), ...(finish && { finish }) })
  return app
}

function stopOnSignals(app: NestExpressApplication, server: Server, pino: Pino, options: StopOptions): void {
  let stopping = false
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (stopping) return
    stopping = true
    pino.info({ signal }, 'stopping')
    // Nothing that hangs may keep the process: its clients have gone to another replica.
    setTimeout(() => void exit(pino, 1), options.withinMs + CLOSE_WITHIN_MS).unref()
    try {
      await stopServing(app, server, options)
      pino.info('stopped')
      await exit(pino, 0)
    } catch (error) {
      await fail(pino, error)
    }
  }
  process.on('SIGTERM', (signal) => void stop(signal))
  process.on('SIGINT', (signal) => void stop(signal))
}

export interface StopOptions extends Pick<ServiceOptions, 'finish'> {
  readonly first?: ServiceOptions['stop']
  /** Milliseconds for the requests in hand, and for `finish`. */
  readonly withinMs: number
  /** Milliseconds for the rest; 2,000 unless told. */
  readonly closeWithinMs?: number
}

/**
 * Not ready, no new requests, those in hand finished or their time over, everything closed; in this order.
 * @throws Error when something does not close in time
 */
export async function stopServing(
  app: NestExpressApplication,
  server: Server,
  { first, finish, withinMs, closeWithinMs = CLOSE_WITHIN_MS }: StopOptions,
): Promise<void> {
  app.get(Readiness).stop()
  await first?.(app, withinMs)
  server.close()
  await isDoneWithin(withinMs, Promise.all([app.get(RequestsInHand).idle(), finish?.(app)]))
  server.closeAllConnections()
  if (!(await isDoneWithin(closeWithinMs, app.close()))) throw new Error('what is open did not close in time')
}

async function isDoneWithin(ms: number, work: Promise<unknown>): Promise<boolean> {
  const limit = new AbortController()
  try {
    return await Promise.race([
      work.then(() => true),
      delay(ms, false, { signal: limit.signal, ref: false }).catch(() => false),
    ])
  } finally {
    limit.abort()
  }
}

/** Node would print the whole error, with whatever a library has hung on it. */
function dieLoudly(pino: Pino): void {
  process.on('uncaughtException', (error) => void fail(pino, error))
  process.on('unhandledRejection', (error) => void fail(pino, error))
}

async function fail(pino: Pino, error: unknown): Promise<void> {
  if (error instanceof SettingsError) pino.fatal({ faults: error.faults }, error.message)
  else pino.fatal({ err: error }, 'ended by an error')
  await exit(pino, error instanceof SettingsError ? CONFIGURATION_FAULT : 1)
}

async function exit(pino: Pino, code: number): Promise<void> {
  await new Promise<void>((resolve) => pino.flush(() => resolve()))
  process.exit(code)
}
