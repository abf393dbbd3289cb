import {
  type DynamicModule,
  Global,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common'
import { APP_FILTER, APP_GUARD, APP_PIPE, HttpAdapterHost, ModuleRef } from '@nestjs/core'
import { TerminusModule } from '@nestjs/terminus'
import type { Express } from 'express'
import { BodyReader } from './body/body-reader.js'
import { fingerprintKeys } from './decorators/command.js'
import { DomainErrorFilter } from './errors/domain-error.filter.js'
import { validationPipe } from './errors/validation.js'
import { HealthController } from './health/health.controller.js'
import { Readiness } from './health/readiness.js'
import { InternalHttp } from './http/internal-http.js'
import { ReplicaPools } from './http/replica-pools.js'
import { createPino, PINO, type Pino } from './log/logger.js'
import { Metrics } from './metrics/metrics.js'
import { MetricsController } from './metrics/metrics.controller.js'
import { observe, RequestsInHand } from './observe.js'
import { Deployment } from './settings/deployment.js'
import { Settings } from './settings/load-settings.js'
import { ActorAssertions } from './trust/actor-assertions.js'
import { EntryGuard } from './trust/entry.guard.js'
import { IdentityKeys, keysOfIdentity, type FetchKeys } from './trust/identity-keys.js'
import { assertRoutesArePoliced } from './trust/routes-policed.js'
import { ServiceKeys } from './trust/service-keys.js'
import { ServiceTokens } from './trust/service-tokens.js'

const ACTOR_KEYS_PATH = '/internal/jwks/actor'

export interface ServiceModuleOptions {
  readonly deployment: Deployment
  /** The sections of the settings file that this process uses; each is a provider by its class. */
  readonly settings: Settings
  /** Read from the deployment's files unless given. */
  readonly keys?: ServiceKeys
  /** Where the keys of actor assertions come from; identity's `/internal/jwks/actor` over HTTP unless given. */
  readonly actorKeys?: FetchKeys
  readonly pino?: Pino
}

/**
 * What every process does first: guard, errors, validation, log, health and metrics, for all modules of the
 * application. Create the application with `bodyParser: false`.
 */
@Global()
@Module({})
export class ServiceModule implements OnApplicationBootstrap, OnApplicationShutdown {
  static forRoot(options: ServiceModuleOptions): DynamicModule {
    const { deployment, settings } = options
    const providers = [
      { provide: Deployment, useValue: deployment },
      { provide: Settings, useValue: settings },
      ...settings.sections.map((section) => ({ provide: section, useValue: settings.get(section) })),
      { provide: PINO, useFactory: () => options.pino ?? createPino(deployment) },
      {
        provide: ServiceKeys,
        useFactory: async () =>
          options.keys ??
          (await ServiceKeys.fromFiles(deployment.service, deployment.keyFile, deployment.serviceKeysFile)),
      },
      { provide: ServiceTokens, useFactory: (keys: ServiceKeys) => new ServiceTokens(keys), inject: [ServiceKeys] },
      { provide: ReplicaPools, useFactory: () => new ReplicaPools(deployment) },
      {
        provide: ActorAssertions,
        useFactory: (pools: ReplicaPools) => {
          const keys = new IdentityKeys(options.actorKeys ?? keysOfIdentity(pools, ACTOR_KEYS_PATH))
          return new ActorAssertions(deployment.service, keys)
        },
        inject: [ReplicaPools],
      },
      InternalHttp,
      Metrics,
      Readiness,
      RequestsInHand,
    ]
    return {
      module: ServiceModule,
      imports: [TerminusModule.forRoot({ logger: false })],
      controllers: [HealthController, MetricsController],
      providers: [
        ...providers,
        { provide: BodyReader, useFactory: () => new BodyReader() },
        { provide: APP_GUARD, useClass: EntryGuard },
        { provide: APP_PIPE, useFactory: validationPipe },
        { provide: APP_FILTER, useClass: DomainErrorFilter },
      ],
      exports: providers,
    }
  }

  constructor(
    { httpAdapter }: HttpAdapterHost,
    private readonly modules: ModuleRef,
    private readonly pools: ReplicaPools,
    @Inject(PINO) pino: Pino,
    keys: ServiceKeys,
    metrics: Metrics,
    readiness: Readiness,
    inHand: RequestsInHand,
  ) {
    if (!httpAdapter) return
    const express = httpAdapter.getInstance<Express>()
    express.disable('x-powered-by')
    // An ETag is a hash of the whole answer, made for every one: nobody asks for it.
    express.disable('etag')
    fingerprintKeys.set(express, keys.fingerprintKey)
    // In the constructor, because routes are registered next and this has to come before them.
    httpAdapter.use(observe(pino, metrics, inHand, () => readiness.stopping))
  }

  onApplicationBootstrap(): void {
    assertRoutesArePoliced({ get: (token: never) => this.modules.get<unknown>(token, { strict: false }) } as never)
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pools.close()
  }
}
