import { Module, type OnApplicationShutdown } from '@nestjs/common'
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
  SHORT_STATEMENTS,
  Streams,
} from '#libs/event-sourcing'
import { Freshness, MessagingModule } from '#libs/messaging'
import { Discovery, IdTokens, Outbound, ProviderKeys } from '#libs/oauth'
import {
  Deployment,
  DevelopmentSettings,
  ExchangeSettings,
  IdentityKeys,
  InternalHttp,
  keysOfIdentity,
  Readiness,
  ReplicaPools,
  SafeSettings,
  ServerSettings,
} from '#libs/service'
import { audited } from './audit/actions.js'
import { AuditController } from './audit/audit.controller.js'
import { ClientSecretController } from './client-secret/client-secret.controller.js'
import { ClientSecretSweep } from './client-secret/client-secret-sweep.js'
import { ClientSecrets } from './client-secret/client-secrets.js'
import { ConsentRequests } from './consent/consent-requests.js'
import { ConsentController } from './consent/consent.controller.js'
import { Consent } from './consent/consent.js'
import { MissingConsentsController } from './consent/missing-consents.controller.js'
import { MissingConsents } from './consent/missing-consents.js'
import { Occasions } from './consent/occasions.js'
import { ContentIdTokens, idTokensOfContent } from './exchange/content-id-tokens.js'
import { CredentialsController } from './exchange/credentials.controller.js'
import { Exchange } from './exchange/exchange.js'
import { FactQueries } from './exchange/facts.js'
import { IssueLog } from './exchange/issue-log.js'
import { PolicyOfSettings } from './exchange/policy.js'
import { SESSION_KEYS_PATHS, SubjectTokens } from './exchange/subject-tokens.js'
import { TemporaryCredentials } from './exchange/temporary-credentials.js'
import { keysOfVisitors, VisitorKeys } from './exchange/visitor-keys.js'
import { GrantEndings } from './grant/grant-endings.js'
import { GrantIdTokens } from './grant/grant-id-tokens.js'
import { GrantQueries } from './grant/grant.queries.js'
import { RefreshMetrics } from './grant/refresh-metrics.js'
import { RefreshSweep } from './grant/refresh-sweep.js'
import { Refreshes } from './grant/refresh.js'
import { LoginTokenController } from './login-token/login-token.controller.js'
import { LoginTokens } from './login-token/login-tokens.js'
import { migrations } from './migrations/index.js'
import { ProviderCalls } from './provider/provider-calls.js'
import { askOwner } from './replica/ask-owner.js'
import { ChangesController, copied } from './replica/changes.controller.js'
import { keysOfSettings, Safe, SafeKeys } from './safe/index.js'
import { KeyRotationController } from './safe/key-rotation.controller.js'
import { KeyRotation } from './safe/key-rotation.js'
import { RevocationController } from './revocation/revocation.controller.js'
import { Revocations } from './revocation/revocations.js'
import { ServiceAccounts } from './service-account/service-accounts.js'
import { ServiceAccountTokens } from './service-account/service-account-tokens.js'
import { SessionController } from './session/session.controller.js'
import { SessionQueries } from './session/session.queries.js'
import { VerificationController } from './service-account/verification.controller.js'

@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      inject: [Deployment],
      // Exchanges share statements: one that never ends would keep them all waiting.
      useFactory: ({ databaseUrl, instance }: Deployment) =>
        databaseOptions(databaseUrl.reveal(), instance, [], SHORT_STATEMENTS),
    }),
    MessagingModule.forRootAsync({
      inject: [Deployment, DataSource, InternalHttp],
      useFactory: ({ natsUrl, instance }: Deployment, dataSource: DataSource, http: InternalHttp) => ({
        service: 'vault',
        natsUrl: natsUrl.reveal(),
        instance,
        read: { contracts: copied, pool: poolOf(dataSource), ask: askOwner(http) },
      }),
    }),
  ],
  controllers: [
    AuditController,
    ChangesController,
    ClientSecretController,
    ConsentController,
    CredentialsController,
    KeyRotationController,
    LoginTokenController,
    MissingConsentsController,
    RevocationController,
    SessionController,
    VerificationController,
  ],
  providers: [
    ClientSecretSweep,
    ClientSecrets,
    Consent,
    ConsentRequests,
    FactQueries,
    GrantEndings,
    GrantIdTokens,
    GrantQueries,
    KeyRotation,
    LoginTokens,
    MissingConsents,
    Occasions,
    ProviderCalls,
    RefreshMetrics,
    Refreshes,
    RefreshSweep,
    Revocations,
    ServiceAccounts,
    ServiceAccountTokens,
    SessionQueries,
    TemporaryCredentials,
    { provide: Pool, inject: [DataSource], useFactory: poolOf },
    { provide: AuditReader, inject: [Pool], useFactory: (pool: Pool) => new AuditReader(pool, audited) },
    { provide: Streams, inject: [Pool], useFactory: (pool: Pool) => new Streams(new PostgresEventStore(pool)) },
    {
      provide: SafeKeys,
      inject: [Pool, Deployment, SafeSettings],
      useFactory: (pool: Pool, deployment: Deployment, settings: SafeSettings) =>
        SafeKeys.open(pool, keysOfSettings(deployment, settings)),
    },
    { provide: Safe, inject: [SafeKeys], useFactory: (keys: SafeKeys) => new Safe(keys) },
    {
      provide: Outbound,
      inject: [DevelopmentSettings, ExchangeSettings, ServerSettings],
      useFactory: ({ loopback }: DevelopmentSettings, exchange: ExchangeSettings, { origin }: ServerSettings) =>
        new Outbound({ loopback, deadlineMs: exchange.tokenRequestTimeoutMs, ownOrigins: [origin] }),
    },
    {
      provide: IdTokens,
      inject: [Outbound],
      useFactory: (outbound: Outbound) => new IdTokens(new Discovery(outbound), new ProviderKeys(outbound)),
    },
    {
      provide: SubjectTokens,
      inject: [ReplicaPools, ServerSettings],
      useFactory: (pools: ReplicaPools, { address }: ServerSettings) =>
        new SubjectTokens(
          {
            viewer: new IdentityKeys(keysOfIdentity(pools, SESSION_KEYS_PATHS.viewer)),
            content: new IdentityKeys(keysOfIdentity(pools, SESSION_KEYS_PATHS.content)),
          },
          address,
        ),
    },
    {
      provide: IssueLog,
      inject: [Pool, Deployment],
      useFactory: (pool: Pool, { instance }: Deployment) => new IssueLog(pool, instance),
    },
    { provide: VisitorKeys, inject: [InternalHttp], useFactory: keysOfVisitors },
    { provide: ContentIdTokens, inject: [InternalHttp], useFactory: idTokensOfContent },
    PolicyOfSettings,
    Exchange,
  ],
})
export class AppModule implements OnApplicationShutdown {
  constructor(
    private readonly outbound: Outbound,
    readiness: Readiness,
    pool: Pool,
    freshness: Freshness,
    private readonly keys: SafeKeys,
  ) {
    keys.watch()
    readiness.add('keys', () => keys.mustBeComplete())
    readiness.add('database', () => mustBeMigrated(pool, migrations))
    readiness.add('clock', () => mustKeepTime(pool))
    readiness.add('copies', () => mustHaveBeenRead(freshness))
  }

  async onApplicationShutdown(): Promise<void> {
    this.keys.close()
    await this.outbound.close()
  }
}

/** Only once: what grows old later is asked for at its owner, and no service's readiness hangs on another's. */
function mustHaveBeenRead(freshness: Freshness): void {
  const missing = [...new Set(copied.map(({ service }) => service))].filter((each) => !freshness.snapshotComplete(each))
  if (missing.length > 0) throw new Error(`the copies of ${missing.join(', ')} have not been read yet`)
}
