import { Module } from '@nestjs/common'
import { TypeOrmModule } from '@nestjs/typeorm'
import { DataSource } from 'typeorm'
import { AuditReader, databaseOptions, mustBeMigrated, poolOf, PostgresEventStore, Streams } from '#libs/event-sourcing'
import { ChangePublisher, MessagingModule } from '#libs/messaging'
import { ContentSettings, Deployment, Readiness, UpstreamList } from '#libs/service'
import { audited } from './audit/actions.js'
import { AuditController } from './audit/audit.controller.js'
import { AssociationsController } from './content/associations.controller.js'
import { ContentController } from './content/content.controller.js'
import { Association, Content } from './content/content.entity.js'
import { ContentQueries } from './content/content.queries.js'
import { OwnersController } from './content/owners.controller.js'
import { ClientSecrets } from './integration/client-secrets.js'
import { IntegrationController } from './integration/integration.controller.js'
import { Integration } from './integration/integration.entity.js'
import { IntegrationQueries } from './integration/integration.queries.js'
import { migrations } from './migrations/index.js'
import { PublishedController } from './published.controller.js'
import { sources } from './sources.js'

const entities = [Association, Content, Integration]

@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      inject: [Deployment],
      useFactory: ({ databaseUrl, instance }: Deployment) => databaseOptions(databaseUrl.reveal(), instance, entities),
    }),
    TypeOrmModule.forFeature(entities),
    MessagingModule.forRootAsync({
      inject: [Deployment, DataSource],
      useFactory: ({ natsUrl, instance }: Deployment, dataSource: DataSource) => ({
        service: 'integrations',
        natsUrl: natsUrl.reveal(),
        instance,
        publish: { pool: poolOf(dataSource), sources },
      }),
    }),
  ],
  controllers: [
    AssociationsController,
    AuditController,
    ContentController,
    IntegrationController,
    OwnersController,
    PublishedController,
  ],
  providers: [
    ClientSecrets,
    ContentQueries,
    IntegrationQueries,
    {
      provide: AuditReader,
      inject: [DataSource],
      useFactory: (dataSource: DataSource) => new AuditReader(poolOf(dataSource), audited),
    },
    {
      provide: UpstreamList,
      inject: [ContentSettings],
      useFactory: ({ upstream }: ContentSettings) => new UpstreamList(upstream),
    },
    {
      provide: Streams,
      inject: [DataSource, ChangePublisher],
      useFactory: (dataSource: DataSource, publisher: ChangePublisher) =>
        new Streams(new PostgresEventStore(poolOf(dataSource)), { wake: () => publisher.wake() }),
    },
  ],
})
export class AppModule {
  constructor(readiness: Readiness, dataSource: DataSource) {
    readiness.add('database', () => mustBeMigrated(poolOf(dataSource), migrations))
  }
}
