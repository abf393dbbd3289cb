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
import { loadSettings, SettingsError } from './settings/load-settings.js'
import type { SectionClass } from './settings/setting.js'

const STOP_WITHIN_MS = 10_000
/** For what comes after the requests: database, NATS. */
const CLOSE_WITHIN_MS = 2_000
/** Node's default of 5 s closes a connection under the callers' feet; theirs are kept for 4 s. */
const KEEP_ALIVE_MS = 65_000

export interface ServiceOptions {
  readonly name: ServiceName
  /** The service's own module. */
  readonly module: Type | DynamicModule
  /** The sections of the settings file that it uses. */
  readonly settings: readonly SectionClass[]
  /** Runs before the application is initialised, for example to `connectMicroservice`. */
  readonly prepare?: (app: NestExpressApplication) => void | Promise<void>
  /** Runs first when the process is to stop, for example to close a second listener. */
  readonly stop?: (app: NestExpressApplication) => void | Promise<void>
  /** Lets several processes share the port. */
  readonly reusePort?: boolean
  /** How long requests in hand may take after SIGTERM, in milliseconds; 10,000 unless told. */
  readonly stopWithinMs?: number
}

/**
 * Starts a service: reads deployment and settings, builds the application, starts its microservices and listens on the
 * internal port. SIGTERM and SIGINT end it: not ready, no new requests, those in hand finished, all closed, exit 0.
 * A fault at the start is logged as one line and ends the process with 1.
 */
export async function startService(options: ServiceOptions): Promise<NestExpressApplication> {
  let pino: Pino | undefined
  try {
    const deployment = Deployment.read(options.name)
    pino = createPino(deployment)
    dieLoudly(pino)
    const settings = loadSettings(deployment.configFile, options.settings)
    return await run(options, ServiceModule.forRoot({ deployment, settings, pino }), deployment, pino)
  } catch (error) {
    await fail(pino ?? createPino(new Deployment({ service: options.name })), error)
    throw error
  }
}

async function run(
  options: ServiceOptions,
  service: DynamicModule,
  deployment: Deployment,
  pino: Pino,
): Promise<NestExpressApplication> {
  class Root {}
  Module({ imports: [service, options.module] })(Root)
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
  server.listen({ port: deployment.port, host: deployment.host, reusePort: options.reusePort ?? false })
  await once(server, 'listening')
  pino.info({ address: server.address() }, 'listening')
  stopOnSignals(options, app, server, pino)
  return app
}

function stopOnSignals(options: ServiceOptions, app: NestExpressApplication, server: Server, pino: Pino): void {
  const withinMs = options.stopWithinMs ?? STOP_WITHIN_MS
  let stopping = false
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (stopping) return
    stopping = true
    pino.info({ signal }, 'stopping')
    // Nothing that hangs may keep the process: its clients have gone to another replica.
    setTimeout(() => void exit(pino, 1), withinMs + CLOSE_WITHIN_MS).unref()
    try {
      await stopServing(app, server, withinMs, options.stop)
      pino.info('stopped')
      await exit(pino, 0)
    } catch (error) {
      await fail(pino, error)
    }
  }
  process.on('SIGTERM', (signal) => void stop(signal))
  process.on('SIGINT', (signal) => void stop(signal))
}

/** Not ready, no new requests, those in hand finished or their time over, everything closed; in this order. */
export async function stopServing(
  app: NestExpressApplication,
  server: Server,
  withinMs: number,
  first?: ServiceOptions['stop'],
): Promise<void> {
  app.get(Readiness).stop()
  await first?.(app)
  server.close()
  const limit = new AbortController()
  await Promise.race([
    app.get(RequestsInHand).idle(),
    delay(withinMs, undefined, { signal: limit.signal, ref: false }).catch(() => undefined),
  ])
  limit.abort()
  server.closeAllConnections()
  await app.close()
}

/** Node would print the whole error, with whatever a library has hung on it. */
function dieLoudly(pino: Pino): void {
  process.on('uncaughtException', (error) => void fail(pino, error))
  process.on('unhandledRejection', (error) => void fail(pino, error))
}

async function fail(pino: Pino, error: unknown): Promise<void> {
  if (error instanceof SettingsError) pino.fatal({ faults: error.faults }, error.message)
  else pino.fatal({ err: error }, 'ended by an error')
  await exit(pino, 1)
}

async function exit(pino: Pino, code: number): Promise<void> {
  await new Promise<void>((resolve) => pino.flush(() => resolve()))
  process.exit(code)
}
