import { Module } from '@nestjs/common'
import { TypeOrmModule } from '@nestjs/typeorm'
import { Pool } from 'pg'
import { DataSource } from 'typeorm'
import { AuditReader, databaseOptions, mustBeMigrated, poolOf, PostgresEventStore, Streams } from '#libs/event-sourcing'
import { ChangePublisher, Freshness, MessagingModule } from '#libs/messaging'
import { ContentSettings, Deployment, InternalHttp, Readiness, UpstreamList } from '#libs/service'
import { audited } from './audit/actions.js'
import { AuditController } from './audit/audit.controller.js'
import { AssociationsController } from './content/associations.controller.js'
import { ContentIncludes } from './content/content-includes.js'
import { ContentController } from './content/content.controller.js'
import { Association, Content } from './content/content.entity.js'
import { ContentQueries } from './content/content.queries.js'
import { Editing } from './content/editing.js'
import { OwnersController } from './content/owners.controller.js'
import { PermissionQueries } from './content/permission.queries.js'
import { PermissionsController } from './content/permissions.controller.js'
import { PrincipalsGone } from './content/principals-gone.js'
import { Principals } from './content/principals.js'
import { ShareLinkQueries } from './content/share-link.queries.js'
import { ShareLinksController } from './content/share-links.controller.js'
import { ClientSecrets } from './integration/client-secrets.js'
import { IntegrationController } from './integration/integration.controller.js'
import { IntegrationAccess } from './integration/integration-access.js'
import { IntegrationDeletions } from './integration/integration-deletions.js'
import { Integration, IntegrationPermission } from './integration/integration.entity.js'
import { IntegrationQueries } from './integration/integration.queries.js'
import { SecretNames } from './integration/secret-names.js'
import { SecretNamesController } from './integration/secret-names.controller.js'
import { Verification } from './integration/verification.js'
import { migrations } from './migrations/index.js'
import { PublishedController } from './published.controller.js'
import { askOwner } from './replica/ask-owner.js'
import { ChangesController, copied } from './replica/changes.controller.js'
import { People } from './replica/people.js'
import { sources } from './sources.js'
import { TemplateController } from './template/template.controller.js'
import { Todo } from './todo/todo.js'

const entities = [Association, Content, Integration, IntegrationPermission]

@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      inject: [Deployment],
      useFactory: ({ databaseUrl, instance }: Deployment) => databaseOptions(databaseUrl.reveal(), instance, entities),
    }),
    TypeOrmModule.forFeature(entities),
    MessagingModule.forRootAsync({
      inject: [Deployment, DataSource, InternalHttp],
      useFactory: ({ natsUrl, instance }: Deployment, dataSource: DataSource, http: InternalHttp) => ({
        service: 'integrations',
        natsUrl: natsUrl.reveal(),
        instance,
        publish: { pool: poolOf(dataSource), sources },
        read: { contracts: copied, pool: poolOf(dataSource), ask: askOwner(http) },
      }),
    }),
  ],
  controllers: [
    AssociationsController,
    AuditController,
    ChangesController,
    ContentController,
    IntegrationController,
    OwnersController,
    PermissionsController,
    PublishedController,
    TemplateController,
    SecretNamesController,
    ShareLinksController,
  ],
  providers: [
    ClientSecrets,
    ContentIncludes,
    ContentQueries,
    Editing,
    IntegrationAccess,
    IntegrationDeletions,
    IntegrationQueries,
    People,
    PermissionQueries,
    Principals,
    PrincipalsGone,
    SecretNames,
    ShareLinkQueries,
    Todo,
    Verification,
    { provide: Pool, inject: [DataSource], useFactory: poolOf },
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
  constructor(readiness: Readiness, pool: Pool, freshness: Freshness) {
    readiness.add('database', () => mustBeMigrated(pool, migrations))
    readiness.add('copies', () => mustHaveBeenRead(freshness))
  }
}

/** Only once: what grows old later is asked for at identity, and no service's readiness hangs on another's. */
function mustHaveBeenRead(freshness: Freshness): void {
  if (!freshness.snapshotComplete('identity')) throw new Error('the copies of identity have not been read yet')
}
