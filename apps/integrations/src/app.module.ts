import { Module } from '@nestjs/common'
import { TypeOrmModule } from '@nestjs/typeorm'
import { Pool } from 'pg'
import { DataSource } from 'typeorm'
import {
  AuditReader,
  databaseOptions,
  mustBeMigrated,
  mustKeepTime,
  poolOf,
  PostgresEventStore,
  Streams,
} from '#libs/event-sourcing'
import { ChangePublisher, Freshness, MessagingModule } from '#libs/messaging'
import { ContentSettings, Deployment, InternalHttp, Readiness, UpstreamList } from '#libs/service'
import { audited } from './audit/actions.js'
import { AuditController } from './audit/audit.controller.js'
import { Archives } from './bundle/archives.js'
import { BundleController } from './bundle/bundle.controller.js'
import { Bundle } from './bundle/bundle.entity.js'
import { Uploads } from './bundle/uploads.js'
import { AssociationsController } from './content/associations.controller.js'
import { BelongingsIncludes } from './content/belongings.includes.js'
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
import { EnvironmentController } from './environment/environment.controller.js'
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
import { RepositoryController } from './repository/repository.controller.js'
import { RepositoryRow } from './repository/repository.entity.js'
import { ContentSearch } from './search/content-search.js'
import { SearchController } from './search/search.controller.js'
import { sources } from './sources.js'
import { ContentTagsController } from './tag/content-tags.controller.js'
import { TagController } from './tag/tag.controller.js'
import { TagQueries } from './tag/tag.queries.js'
import { TaskController } from './task/task.controller.js'
import { TemplateController } from './template/template.controller.js'
import { Todo } from './todo/todo.js'
import { VanityController } from './vanity/vanity.controller.js'

const entities = [Association, Bundle, Content, Integration, IntegrationPermission, RepositoryRow]

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
    BundleController,
    ContentTagsController,
    EnvironmentController,
    RepositoryController,
    SearchController,
    TagController,
    TaskController,
    VanityController,
  ],
  providers: [
    Archives,
    BelongingsIncludes,
    ContentSearch,
    TagQueries,
    Uploads,
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
    readiness.add('clock', () => mustKeepTime(pool))
    readiness.add('copies', () => mustHaveBeenRead(freshness))
  }
}

/** Only once: what grows old later is asked for at identity, and no service's readiness hangs on another's. */
function mustHaveBeenRead(freshness: Freshness): void {
  if (!freshness.snapshotComplete('identity')) throw new Error('the copies of identity have not been read yet')
}
