import { type FactoryProvider, Module } from '@nestjs/common'
import { Freshness, MessagingModule, Replicas } from '#libs/messaging'
import { sessionCookie, type ServiceName } from '#libs/contracts'
import {
  AuthenticationSettings,
  AuthorizationSettings,
  ContentSettings,
  Deployment,
  DevelopmentSettings,
  ExchangeSettings,
  FailureLimit,
  HttpSettings,
  InternalHttp,
  Readiness,
  ReplicaPools,
  ServiceTokens,
} from '#libs/service'
import { ActorAssertions, type Asserted } from './auth/actor-assertions.js'
import { Callers } from './auth/callers.js'
import { LoginLimit } from './auth/login-limit.js'
import { Door } from './door/door.js'
import { PublicAddress } from './door/public-address.js'
import { PublicDoor } from './door/public-door.js'
import { Refusals } from './door/refusals.js'
import { AGENTS } from './door/tokens.js'
import { AddressGuard } from './proxy/address-guard.js'
import { Consents } from './proxy/consents.js'
import { ContentProxy } from './proxy/content-proxy.js'
import { type GuardedAgents, guardedAgents } from './proxy/guarded-agents.js'
import { OpenSockets } from './proxy/open-sockets.js'
import { ownListeners } from './proxy/own-listeners.js'
import { UpstreamList } from '#libs/service'
import { UserSessionTokens } from './proxy/user-session-tokens.js'
import { Vanities } from './proxy/vanities.js'
import { Visits } from './proxy/visits.js'
import { askOwner } from './replica/ask-owner.js'
import { ChangesController } from './replica/changes.controller.js'
import { COPIED, House, notYetRead } from './replica/house.js'
import { Forward } from './routes/forward.js'
import { RequestBodies } from './routes/request-bodies.js'
import { Uploads } from './routes/uploads.js'
import { Docs, DOCS_DIRECTIVES, docsFolder } from './site/docs.js'
import { Landing } from './site/landing.js'
import { Pages } from './site/page.js'
import { Ping } from './site/ping.js'
import { Site } from './site/site.js'

type Token = FactoryProvider['provide']

/** A provider made of others; written so that what is injected and what the factory takes are seen side by side. */
const made = <T>(provide: Token, inject: FactoryProvider['inject'], useFactory: FactoryProvider<T>['useFactory']) => ({
  provide,
  inject: inject ?? [],
  useFactory,
})

const auth = [
  made(ActorAssertions, [InternalHttp, House], (http: InternalHttp, house: House) => {
    const ask = ({ type, secret }: { type: string; secret: string }, audience: ServiceName) =>
      http.call<Asserted & { expires_in: number }>('assertActor', {
        body: { credential: { type, value: secret }, audience },
      })
    return new ActorAssertions(
      ask,
      () => house.isFresh(),
      new FailureLimit(),
      (presented) => house.isKnown(presented),
    )
  }),
  made(
    Callers,
    [House, ActorAssertions, PublicAddress, AuthenticationSettings],
    (
      house: House,
      assertions: ActorAssertions,
      { url, origin }: PublicAddress,
      { inactivityMs }: AuthenticationSettings,
    ) => new Callers(house, assertions, sessionCookie(url).name, origin, inactivityMs > 0),
  ),
]

const proxy = [
  made(OpenSockets, [House], (house: House) => new OpenSockets(() => house.isAllFresh())),
  made(
    AGENTS,
    [Deployment, HttpSettings, ContentSettings, DevelopmentSettings, PublicAddress],
    (
      deployment: Deployment,
      http: HttpSettings,
      { upstream }: ContentSettings,
      { loopback }: DevelopmentSettings,
      { url }: PublicAddress,
    ) => {
      const own = ownListeners(deployment, http, url)
      return guardedAgents(new AddressGuard({ permitted: new UpstreamList(upstream), loopback, own }))
    },
  ),
  made(ContentProxy, [AGENTS], (agents: GuardedAgents) => new ContentProxy(agents)),
  made(UserSessionTokens, [InternalHttp], (http: InternalHttp) => {
    return new UserSessionTokens((contentGuid, assertion) =>
      http.call('issueUserSessionToken', { body: { content_guid: contentGuid }, assertion }),
    )
  }),
  made(Consents, [InternalHttp], (http: InternalHttp) => {
    return new Consents(async (contentGuid, version, assertion) => {
      const query = { content_guid: contentGuid, content_version: String(version) }
      const { missing } = await http.call<{ missing: string[] }>('missingConsents', {
        query,
        assertion,
        timeoutMs: 2_000,
      })
      return missing
    })
  }),
  made(
    Visits,
    [House, Callers, UserSessionTokens, Consents, ContentProxy, OpenSockets, PublicAddress],
    (
      house: House,
      callers: Callers,
      tokens: UserSessionTokens,
      consents: Consents,
      content: ContentProxy,
      sockets: OpenSockets,
      { url, prefix }: PublicAddress,
    ) => new Visits(house, callers, tokens, consents, content, sockets, url, prefix),
  ),
]

const site = [
  made(Pages, [PublicAddress], ({ isHttps }: PublicAddress) => new Pages(isHttps)),
  made(
    Ping,
    [ReplicaPools, Freshness],
    (pools: ReplicaPools, freshness: Freshness) => new Ping(pools, () => notYetRead(freshness).length === 0),
  ),
  made(
    Docs,
    [PublicAddress],
    ({ isHttps, prefix }: PublicAddress) => new Docs(new Pages(isHttps, DOCS_DIRECTIVES), docsFolder(), prefix),
  ),
  made(
    Landing,
    [Pages, House, Callers, PublicAddress],
    (pages: Pages, house: House, callers: Callers, { prefix }: PublicAddress) =>
      new Landing(pages, house, callers, prefix),
  ),
  made(Site, [Pages, Ping, Docs, Landing], (pages: Pages, ping: Ping, docs: Docs, landing: Landing) => {
    return new Site(pages, ping, docs, landing)
  }),
]

const door = [
  PublicAddress,
  PublicDoor,
  made(Refusals, [Pages, PublicAddress], (pages: Pages, { prefix }: PublicAddress) => new Refusals(pages, prefix)),
  made(
    Forward,
    [ReplicaPools, ServiceTokens, ExchangeSettings, ContentSettings, PublicAddress],
    (
      pools: ReplicaPools,
      tokens: ServiceTokens,
      { routeTimeoutMs }: ExchangeSettings,
      { maxBundleSize: most }: ContentSettings,
      { prefix }: PublicAddress,
    ) => {
      const bodies = new RequestBodies({ wholeMs: routeTimeoutMs })
      return new Forward(pools, tokens, bodies, new Uploads({ most }), routeTimeoutMs, prefix)
    },
  ),
  made(
    Door,
    [Callers, Forward, Visits, House, Site, Refusals, PublicAddress],
    (
      callers: Callers,
      forward: Forward,
      visits: Visits,
      house: House,
      pages: Site,
      refusals: Refusals,
      address: PublicAddress,
    ) => {
      const vanities = new Vanities(house, address.prefix)
      return new Door(callers, new LoginLimit(), forward, visits, vanities, pages, refusals, address)
    },
  ),
]

@Module({
  imports: [
    MessagingModule.forRootAsync({
      inject: [Deployment, InternalHttp],
      useFactory: ({ natsUrl, instance }: Deployment, http: InternalHttp) => ({
        service: 'gateway',
        natsUrl: natsUrl.reveal(),
        instance,
        read: { contracts: COPIED, ask: askOwner(http) },
      }),
    }),
  ],
  controllers: [ChangesController],
  providers: [
    made(
      House,
      [Replicas, AuthorizationSettings],
      (replicas: Replicas, authorization: AuthorizationSettings) => new House(replicas, authorization),
    ),
    ...auth,
    ...proxy,
    ...site,
    ...door,
  ],
})
export class AppModule {
  constructor(
    house: House,
    assertions: ActorAssertions,
    tokens: UserSessionTokens,
    sockets: OpenSockets,
    freshness: Freshness,
    readiness: Readiness,
  ) {
    house.onSessionsEnded((sid) => tokens.ended(sid))
    house.onChanged((guid) => {
      assertions.changed(guid)
      sockets.changed(guid)
    })
    readiness.add('copies', () => {
      const missing = notYetRead(freshness)
      if (missing.length > 0) throw new Error(`the copies of ${missing.join(', ')} have not been read yet`)
    })
  }
}
