import { decodeJwt } from 'jose'
import { Pool } from 'pg'
import { Injectable, Logger } from '@nestjs/common'
import { v5 as uuidV5 } from 'uuid'
import { DomainError, integrationContract, Secret, type Actor, type IntegrationState } from '#libs/contracts'
import { sql, Streams, transaction, type CommandContext } from '#libs/event-sourcing'
import { Replicas } from '#libs/messaging'
import {
  acceptCode,
  authorizationRequest,
  CallbackError,
  readCallback,
  redeemCode,
  type Callback,
  type TokenResponse,
} from '#libs/oauth'
import { currentRequest, ExchangeSettings, ServerSettings } from '#libs/service'
import { ClientSecrets } from '../client-secret/client-secrets.js'
import { GrantIdTokens, type KeptIdToken } from '../grant/grant-id-tokens.js'
import { grantGuid, grantStream, subjectPlace } from '../grant/grant.stream.js'
import { oweRevocation, putTokens } from '../grant/grant.tokens.js'
import { untilStored } from '../grant/until-stored.js'
import { clientFingerprint } from '../provider/client-fingerprint.js'
import { ProviderCalls, redemptionEndpointOf } from '../provider/provider-calls.js'
import { endGrant } from '../revocation/end-grant.js'
import { isTampered, Safe } from '../safe/index.js'
import { ConsentRequests, type ConsentRequest, type Errand } from './consent-requests.js'
import type { ConsentPage } from './consent.page.js'
import {
  anotherAccount,
  begunByAnother,
  begunInAnotherSession,
  doneAlready,
  expired,
  integrationChanged,
  mixedUp,
  noSuchIntegration,
  noViewers,
  notLoggedIn,
  notYours,
  pageOf,
  unreadable,
} from './consent.pages.js'
import { Occasions } from './occasions.js'
import { returnPlace } from './return-place.js'

/** Whoever waits for tokens to be kept shall hear, in ms before the route's time is over, that they were not. */
const ANSWER_WITHIN_MS = 2_000
/** Somebody looks at an empty page while others are before them, in ms. */
const TURN_WITHIN_MS = 5_000

type UserActor = Extract<Actor, { type: 'user' }>

/** Where the browser goes next: away, or onto a page that says why not. */
export type Answer = { readonly redirect: string } | { readonly page: ConsentPage }

/** How a consent begins. */
export interface Beginning {
  /** Where to go back to; see `returnPlace`. */
  readonly returnTo?: unknown
  /** Whether another account at the provider may take the place of the former one. */
  readonly relink?: boolean
}

interface Found {
  readonly integration: IntegrationState
  readonly version: number
}

/**
 * A viewer lets us act for them at a provider: Authorization Code with PKCE, bound to the browser session that began it.
 * @see RFC 6749 §4.1, RFC 7636, RFC 9207, RFC 9700 §4.7
 */
@Injectable()
export class Consent {
  readonly #logger = new Logger(Consent.name)

  constructor(
    private readonly pool: Pool,
    private readonly streams: Streams,
    private readonly replicas: Replicas,
    private readonly requests: ConsentRequests,
    private readonly occasions: Occasions,
    private readonly secrets: ClientSecrets,
    private readonly safe: Safe,
    private readonly calls: ProviderCalls,
    private readonly idTokens: GrantIdTokens,
    private readonly server: ServerSettings,
    private readonly settings: ExchangeSettings,
  ) {}

  /** Sends the viewer to the provider, if there is a reason to. */
  async begin(
    viewer: UserActor,
    integrationGuid: string,
    { returnTo, relink = false }: Beginning = {},
  ): Promise<Answer> {
    const found = await this.#find(integrationGuid)
    if (
      !found ||
      found.integration.auth_type !== 'Viewer' ||
      !found.integration.authorization_server?.authorization_endpoint ||
      !found.integration.client
    )
      return { page: noSuchIntegration }
    const { path, contentGuid } = returnPlace(returnTo)
    const occasion = await this.occasions.of(viewer, found.integration, contentGuid)
    if (occasion !== 'good') return { page: occasion === 'none' ? noSuchIntegration : noViewers }
    const { authorization_server, client } = found.integration
    const redirectUri = this.#redirectUri(found.integration)
    const { url, state, codeVerifier } = await authorizationRequest(authorization_server, client, redirectUri)
    await this.requests.begin({
      userGuid: viewer.guid,
      sid: viewer.sid,
      integrationGuid,
      integrationVersion: found.version,
      returnTo: path,
      relink,
      state,
      codeVerifier,
    })
    return { redirect: url }
  }

  /**
   * Takes the viewer back with a code, redeems it and keeps the tokens.
   * @param at the integration whose own callback path this is; `undefined`: the path that all have in common
   */
  async finish(actor: Actor, query: URLSearchParams, at?: string): Promise<Answer> {
    const giveUpAt = performance.now() + this.settings.routeTimeoutMs - ANSWER_WITHIN_MS
    let callback: Callback
    try {
      callback = readCallback(query)
    } catch (error) {
      if (error instanceof CallbackError) return { page: unreadable }
      throw error
    }
    if (actor.type !== 'user') return { page: notLoggedIn }
    const request = await this.requests.take(callback.state, { userGuid: actor.guid, sid: actor.sid })
    if (!request) return { page: await this.#whyNot(actor, callback.state) }
    const again = this.#loginUrl(request)
    if (request.expired) return { page: expired(again) }
    const found = await this.#find(request.integrationGuid)
    if (!found || found.version !== request.integrationVersion) return { page: integrationChanged(again) }
    const { integration } = found
    if (at !== (integration.client?.own_callback ? integration.guid : undefined)) {
      this.#logger.warn(
        { security: 'consent.mixed_up', user: actor.guid, integration: integration.guid, at },
        'an answer to one integration came back on the path of another',
      )
      return { page: mixedUp(again) }
    }
    try {
      const tokens = await this.#redeem(integration, callback, request)
      if (!(await this.#keepInTime(actor, integration, request, tokens, giveUpAt)))
        return { page: anotherAccount(nameOf(integration), this.#loginUrl(request, true), this.#urlOf(request)) }
    } catch (error) {
      const page = pageOf(error, again, nameOf(integration))
      if (!page) throw error
      this.#logger.warn({ err: error, user: actor.guid, integration: request.integrationGuid }, 'a consent failed')
      return { page }
    }
    return { redirect: this.#urlOf(request) }
  }

  async #whyNot(actor: UserActor, state: string): Promise<ConsentPage> {
    const request = await this.requests.untaken(state)
    if (!request) {
      this.#logger.warn({ user: actor.guid }, 'a consent callback belongs to no request of this session')
      return notYours
    }
    if (request.userGuid !== actor.guid) {
      this.#logger.warn(
        { security: 'consent.another_user', user: actor.guid, begun_by: request.userGuid },
        'somebody came back with the consent that somebody else has begun',
      )
      return begunByAnother
    }
    if (request.taken) return doneAlready(this.#urlOf(request))
    return begunInAnotherSession(this.#loginUrl(request))
  }

  async #redeem(integration: IntegrationState, callback: Callback, request: ConsentRequest): Promise<TokenResponse> {
    const code = acceptCode(callback, {
      // Found by its hash: the state is the right one.
      state: callback.state,
      authorizationServer: integration.authorization_server ?? {},
    })
    const provider = await this.secrets.providerOf(integration)
    const grant = { code, codeVerifier: request.codeVerifier, redirectUri: this.#redirectUri(integration) }
    const deadlineMs = this.settings.tokenRequestTimeoutMs
    return await this.calls.visit(
      redemptionEndpointOf(integration),
      (ask) => ask((outbound) => redeemCode(outbound, provider, grant, { deadlineMs })),
      TURN_WITHIN_MS,
    )
  }

  /** The code is used up: what goes wrong here is tried again for as long as somebody waits. */
  async #keepInTime(
    viewer: UserActor,
    integration: IntegrationState,
    request: ConsentRequest,
    tokens: TokenResponse,
    giveUpAt: number,
  ): Promise<boolean> {
    const idToken = await this.idTokens.of(integration, tokens)
    return await untilStored(
      () => this.#keep(viewer, integration, request, tokens, idToken),
      (err) => {
        if (err instanceof DomainError && err.kind !== 'unavailable') return false
        this.#logger.error({ err, user: viewer.guid, integration: integration.guid }, 'new tokens are not stored yet')
        return performance.now() < giveUpAt
      },
    )
  }

  /** @returns `false` when the tokens are another account's than the viewer's former ones, and that was not wanted */
  async #keep(
    viewer: UserActor,
    integration: IntegrationState,
    request: ConsentRequest,
    tokens: TokenResponse,
    { idToken, facts }: KeptIdToken,
  ): Promise<boolean> {
    const { guid, integrationGuid, relink, now } = request
    const { accessToken, refreshToken, expiresIn, scope } = tokens
    const grant = grantGuid(viewer.guid, integrationGuid)
    const context = { actor: viewer, correlationId: currentRequest()?.correlationId }
    await this.#endFormer(grant, integration, { ...context, commandId: uuidV5('integration_changed', guid) })
    const subject = subjectOf(tokens)
    if (subject && (await this.#isAnother(grant, subject))) {
      if (!relink) {
        await transaction(this.pool, (client) =>
          oweRevocation(this.safe, client, guid, integration, { accessToken, refreshToken }),
        )
        return false
      }
      await endGrant(this.#ending, grant, 'relinked', { ...context, commandId: uuidV5('relinked', guid) })
    }
    await this.streams.handle(
      grantStream,
      grant,
      {
        type: 'ObtainGrant',
        userGuid: viewer.guid,
        integrationGuid,
        hasRefreshToken: refreshToken !== undefined,
        client: clientFingerprint(integration),
        expiresAt: expiresIn === undefined ? null : new Date(now.getTime() + expiresIn * 1000),
        scope: scope ?? null,
        idToken: facts,
      },
      { ...context, commandId: guid },
      {
        record: async (client) => {
          // The decider counts; the projection, which ran just now, knows.
          const { rows } = await client.query<{ generation: number }>(sql`
            select generation from oauth_grant where guid = ${grant}`)
          await putTokens(this.safe, client, grant, rows[0]!.generation, { accessToken, refreshToken, idToken })
          if (subject) await this.safe.put(client, subjectPlace(grant), 0, subject)
        },
      },
    )
    return true
  }

  /** What another provider has given is that provider's to hear of, and no account of this one. */
  async #endFormer(grant: string, integration: IntegrationState, context: CommandContext): Promise<void> {
    const { rows } = await this.pool.query<{ client: string | null }>(sql`
      select client from oauth_grant where guid = ${grant} and status <> 'revoked'`)
    const [former] = rows
    if (former && former.client !== clientFingerprint(integration))
      await endGrant(this.#ending, grant, 'integration_changed', context)
  }

  /** Whether the grant is of another account at the provider; who cannot be told any more may be anybody. */
  async #isAnother(grant: string, subject: Secret): Promise<boolean> {
    try {
      const former = await this.safe.find(this.pool, subjectPlace(grant), 0)
      return former !== undefined && former.reveal() !== subject.reveal()
    } catch (error) {
      if (isTampered(error)) return true
      throw error
    }
  }

  /** The integration as it is now, confirmed with its owner if it is unknown or the copy is old, and its version. */
  async #find(guid: string): Promise<Found | undefined> {
    const integration = await this.replicas.of(integrationContract).find(guid)
    if (!integration) return undefined
    const { rows } = await this.pool.query<{ version: number; state: IntegrationState | null }>(sql`
      select version, state from replica where kind = ${integrationContract.category} and guid = ${guid}`)
    const [row] = rows
    return row?.state ? { integration: row.state, version: row.version } : undefined
  }

  get #ending(): { streams: Streams; safe: Safe } {
    return { streams: this.streams, safe: this.safe }
  }

  #redirectUri({ guid, client }: IntegrationState): string {
    return this.server.urlOf(`/__oauth__/integrations/callback${client?.own_callback ? `/${guid}` : ''}`)
  }

  #urlOf({ returnTo }: Errand): string {
    return this.server.urlOf(returnTo)
  }

  #loginUrl({ integrationGuid, returnTo }: Errand, relink = false): string {
    const query = new URLSearchParams({ return_to: returnTo, ...(relink && { relink: 'yes' }) }).toString()
    return this.server.urlOf(`/__oauth__/integrations/${integrationGuid}/login?${query}`)
  }
}

const nameOf = ({ name }: IntegrationState): string => name ?? 'The provider'

/**
 * Who the ID token says has consented. It came from the provider itself, so that its signature need not be checked.
 * @see OpenID Connect Core §3.1.3.7, point 6
 */
function subjectOf({ idToken }: TokenResponse): Secret | undefined {
  if (!idToken) return undefined
  try {
    const { iss, sub } = decodeJwt(idToken.reveal())
    return typeof sub === 'string' && sub !== '' ? new Secret(JSON.stringify([iss ?? null, sub])) : undefined
  } catch {
    return undefined
  }
}
