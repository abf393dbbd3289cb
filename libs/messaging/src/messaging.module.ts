import type { ChangeContract, ServiceName } from '#libs/contracts'
import {
  Inject,
  Module,
  type DynamicModule,
  type FactoryProvider,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common'
import type { Pool } from 'pg'
import { Broker } from './broker.js'
import { Freshness } from './freshness.js'
import { OwnerQuestions, type AskOwner } from './owner-questions.js'
import type { PublishedSource } from './published.js'
import { ChangePublisher } from './publisher.js'
import { MemoryReplica, TableReplica } from './replica-store.js'
import { Replica, Replicas } from './replica.js'
import { JetStreamServer } from './transport.js'

export interface MessagingOptions {
  readonly service: ServiceName
  /** May carry `user:password@`. */
  readonly natsUrl: string
  /** The process' name in the broker's list of connections. */
  readonly instance?: string
  /** For a service that tells others of its things. */
  readonly publish?: {
    /** The serving role's. */
    readonly pool: Pool
    readonly sources: readonly PublishedSource[]
  }
  /** For a service that keeps copies of other services' things. */
  readonly read?: {
    readonly contracts: readonly ChangeContract<unknown>[]
    /** With it, copies are rows of its table `replica`; without, they are in memory. */
    readonly pool?: Pool
    readonly ask: AskOwner
  }
}

const OPTIONS = Symbol('messaging options')

/** Starts what publishes when the application has started, and stops it last. */
class MessagingLifecycle implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    @Inject(Broker) private readonly broker: Broker,
    @Inject(ChangePublisher) private readonly publisher: ChangePublisher | null,
  ) {}

  onApplicationBootstrap(): void {
    this.publisher?.start()
  }

  async onApplicationShutdown(): Promise<void> {
    await this.publisher?.close()
    await this.broker.close()
  }
}

function replicasOf({ read }: MessagingOptions, freshness: Freshness): Replicas {
  const replicas = new Replicas(freshness)
  if (!read) return replicas
  const questions = new OwnerQuestions(read.ask)
  for (const contract of read.contracts) {
    const store = read.pool ? new TableReplica(contract, read.pool) : new MemoryReplica<unknown>()
    replicas.add(new Replica(contract, store, freshness, questions))
  }
  return replicas
}

function publisherOf({ service, publish }: MessagingOptions, broker: Broker): ChangePublisher | null {
  return publish ? new ChangePublisher({ service, broker, ...publish }) : null
}

/**
 * Provides `Replicas`, `ChangePublisher` (`null` without `publish`), `JetStreamServer` (to be connected as a
 * microservice: `app.connectMicroservice({ strategy: app.get(JetStreamServer) })`), `Freshness` and `Broker`.
 */
@Module({})
export class MessagingModule {
  static forRootAsync(
    options: Pick<FactoryProvider<MessagingOptions>, 'inject' | 'useFactory'> & Pick<DynamicModule, 'imports'>,
  ): DynamicModule {
    const provided = [
      {
        provide: Broker,
        inject: [OPTIONS],
        useFactory: ({ natsUrl, instance, service }: MessagingOptions) => new Broker(natsUrl, instance ?? service),
      },
      { provide: Freshness, useFactory: () => new Freshness() },
      { provide: Replicas, inject: [OPTIONS, Freshness], useFactory: replicasOf },
      { provide: ChangePublisher, inject: [OPTIONS, Broker], useFactory: publisherOf },
      {
        provide: JetStreamServer,
        inject: [Broker, Freshness],
        useFactory: (broker: Broker, freshness: Freshness) => new JetStreamServer({ broker, freshness }),
      },
    ]
    return {
      module: MessagingModule,
      global: true,
      imports: options.imports ?? [],
      providers: [
        { provide: OPTIONS, inject: options.inject ?? [], useFactory: options.useFactory },
        ...provided,
        MessagingLifecycle,
      ],
      exports: provided.map(({ provide }) => provide),
    }
  }
}
