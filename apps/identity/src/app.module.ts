import { Module, type OnApplicationShutdown } from '@nestjs/common'
import { TypeOrmModule } from '@nestjs/typeorm'
import { DataSource } from 'typeorm'
import type { Secret } from '#libs/contracts'
import {
  AuditReader,
  databaseOptions,
  mustBeMigrated,
  mustKeepTime,
  poolOf,
  PostgresEventStore,
  Streams,
} from '#libs/event-sourcing'
import { ChangePublisher, MessagingModule } from '#libs/messaging'
import { Discovery, Outbound } from '#libs/oauth'
import { Deployment, DevelopmentSettings, OAuth2Settings, Readiness, ServerSettings } from '#libs/service'
import { ApiKeySweep } from './api-key/api-key-sweep.js'
import { ApiKeyUse } from './api-key/api-key-use.js'
import { ApiKeyController } from './api-key/api-key.controller.js'
import { ApiKeyQueries } from './api-key/api-key.queries.js'
import { ApiKeys } from './api-key/api-keys.js'
import { VisitorKeyController } from './api-key/visitor-key.controller.js'
import { VisitorKeys } from './api-key/visitor-keys.js'
import { audited } from './audit/actions.js'
import { AuditLog } from './audit/audit-log.js'
import { AuditController } from './audit/audit.controller.js'
import { AuditQueries } from './audit/audit.queries.js'
import { BootstrapController } from './bootstrap/bootstrap.controller.js'
import { Bootstrap } from './bootstrap/bootstrap.js'
import { ContentSessionController } from './content-session/content-session.controller.js'
import { OwnContent } from './content-session/own-content.js'
import { ContentIdTokenController } from './content-id-token/content-id-token.controller.js'
import { OpenIdConfigurationController } from './content-id-token/open-id-configuration.controller.js'
import { DirectoryController } from './directory/directory.controller.js'
import { DirectoryQueries } from './directory/directory.queries.js'
import { GoogleDirectory } from './directory/google-directory.js'
import { LoginTokens } from './directory/login-tokens.js'
import { PeopleSearch } from './directory/people-search.js'
import { Tickets } from './directory/tickets.js'
import { GroupStartupCheck } from './group/group-startup-check.js'
import { GroupController } from './group/group.controller.js'
import { GroupQueries } from './group/group.queries.js'
import { Groups } from './group/groups.js'
import { NormalizeGroups } from './group/normalize-groups.js'
import { GroupProvisioning } from './group/provisioning.js'
import { GraphOverage } from './login/graph-overage.js'
import { GroupOverage } from './login/group-overage.js'
import { LogIn } from './login/log-in.js'
import { LogInQueries } from './login/log-in.queries.js'
import { LOGIN_KEY, readLoginKey } from './login/login-key.js'
import { LoginController } from './login/login.controller.js'
import { OpenIdProvider } from './login/open-id-provider.js'
import { PendingLogins } from './login/pending-logins.js'
import { REAL_VENDOR_ADDRESSES, VENDOR_ADDRESSES, type VendorAddresses } from './login/vendor-addresses.js'
import { migrations } from './migrations/index.js'
import { ContentOwners } from './operator/content-owners.js'
import { OperatorController } from './operator/operator.controller.js'
import { OperatorQueries } from './operator/operator.queries.js'
import { Transfer } from './operator/transfer.js'
import { PublishedController } from './published.controller.js'
import { KnownSecretKey } from './secret-key/known-secret-key.js'
import { ServerSettingsController } from './server-settings/server-settings.controller.js'
import { BackchannelLogoutController } from './session/backchannel-logout.controller.js'
import { LogoutController } from './session/logout.controller.js'
import { ProviderSessions } from './session/provider-sessions.js'
import { Sessions } from './session/sessions.js'
import { sources } from './sources.js'
import { StartupChecks, type StartupCheck } from './startup-checks.js'
import { TokenKeys } from './token/token-keys.js'
import { TokenController } from './token/token.controller.js'
import { MeController } from './user/me.controller.js'
import { People } from './user/people.js'
import { UserController } from './user/user.controller.js'
import { UserQueries } from './user/user.queries.js'
import { UsernamesCheck } from './user/usernames.check.js'

/** Nobody waits longer for an answer, and a search that somebody contrived must not keep the database busy. */
const LONGEST_STATEMENT_MS = 10_000

@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      inject: [Deployment],
      useFactory: ({ databaseUrl, instance }: Deployment) =>
        databaseOptions(databaseUrl.reveal(), instance, [], { statement_timeout: LONGEST_STATEMENT_MS }),
    }),
    MessagingModule.forRootAsync({
      inject: [Deployment, DataSource],
      useFactory: ({ natsUrl, instance }: Deployment, dataSource: DataSource) => ({
        service: 'identity',
        natsUrl: natsUrl.reveal(),
        instance,
        publish: { pool: poolOf(dataSource), sources },
      }),
    }),
  ],
  controllers: [
    ApiKeyController,
    AuditController,
    BackchannelLogoutController,
    BootstrapController,
    ContentIdTokenController,
    ContentSessionController,
    // Before the people: `remote` is no guid.
    DirectoryController,
    GroupController,
    LoginController,
    LogoutController,
    MeController,
    OpenIdConfigurationController,
    OperatorController,
    PublishedController,
    ServerSettingsController,
    TokenController,
    UserController,
    VisitorKeyController,
  ],
  providers: [
    ApiKeyQueries,
    ApiKeys,
    ApiKeySweep,
    ApiKeyUse,
    AuditLog,
    AuditQueries,
    Bootstrap,
    DirectoryQueries,
    GoogleDirectory,
    ContentOwners,
    OwnContent,
    GroupProvisioning,
    GroupQueries,
    Groups,
    GroupStartupCheck,
    NormalizeGroups,
    OperatorQueries,
    KnownSecretKey,
    LogIn,
    LogInQueries,
    LoginTokens,
    People,
    PeopleSearch,
    Transfer,
    Sessions,
    UserQueries,
    UsernamesCheck,
    VisitorKeys,
    { provide: VENDOR_ADDRESSES, useValue: REAL_VENDOR_ADDRESSES },
    { provide: GroupOverage, useClass: GraphOverage },
    {
      provide: Tickets,
      inject: [LOGIN_KEY],
      useFactory: (key: Secret) => new Tickets(key),
    },
    {
      provide: AuditReader,
      inject: [DataSource],
      useFactory: (dataSource: DataSource) => new AuditReader(poolOf(dataSource), audited),
    },
    {
      provide: StartupChecks,
      inject: [GroupStartupCheck, UsernamesCheck],
      useFactory: (...checks: StartupCheck[]) => new StartupChecks(checks),
    },
    {
      provide: Streams,
      inject: [DataSource, ChangePublisher],
      useFactory: (dataSource: DataSource, publisher: ChangePublisher) =>
        new Streams(new PostgresEventStore(poolOf(dataSource)), { wake: () => publisher.wake() }),
    },
    {
      provide: TokenKeys,
      inject: [Deployment],
      useFactory: ({ tokenKeyFile }: Deployment) => TokenKeys.fromFile(tokenKeyFile),
    },
    {
      provide: LOGIN_KEY,
      inject: [Deployment],
      useFactory: ({ loginKeyFile }: Deployment) => readLoginKey(loginKeyFile),
    },
    {
      provide: PendingLogins,
      inject: [DataSource, LOGIN_KEY],
      useFactory: (dataSource: DataSource, key: Secret) => new PendingLogins(poolOf(dataSource), key),
    },
    {
      provide: ProviderSessions,
      inject: [DataSource, LOGIN_KEY],
      useFactory: (dataSource: DataSource, key: Secret) => new ProviderSessions(poolOf(dataSource), key),
    },
    {
      provide: Outbound,
      inject: [DevelopmentSettings, ServerSettings],
      useFactory: ({ loopback }: DevelopmentSettings, { origin }: ServerSettings) =>
        new Outbound({ loopback, ownOrigins: [origin] }),
    },
    {
      provide: OpenIdProvider,
      inject: [OAuth2Settings, Outbound, ServerSettings, VENDOR_ADDRESSES],
      useFactory: (
        settings: OAuth2Settings,
        outbound: Outbound,
        server: ServerSettings,
        { googleIssuer }: VendorAddresses,
      ) =>
        new OpenIdProvider(settings, new Discovery(outbound), outbound, {
          redirectUri: server.urlOf('/__login__/callback'),
          googleIssuer,
        }),
    },
  ],
})
export class AppModule implements OnApplicationShutdown {
  constructor(
    readiness: Readiness,
    dataSource: DataSource,
    private readonly outbound: Outbound,
  ) {
    readiness.add('database', () => mustBeMigrated(poolOf(dataSource), migrations))
    readiness.add('clock', () => mustKeepTime(poolOf(dataSource)))
  }

  async onApplicationShutdown(): Promise<void> {
    await this.outbound.close()
  }
}
