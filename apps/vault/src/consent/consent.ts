import { Pool } from 'pg'
import { Injectable, Logger } from '@nestjs/common'
import { integrationContract, type Actor, type IntegrationState } from '#libs/contracts'
import { sql, Streams } from '#libs/event-sourcing'
import { Replicas } from '#libs/messaging'
import {
  acceptCode,
  authorizationRequest,
  CallbackError,
  Outbound,
  readCallback,
  redeemCode,
  TokenEndpointError,
  type Callback,
  type TokenResponse,
} from '#libs/oauth'
import { currentRequest, ExchangeSettings, localPath, ServerSettings } from '#libs/service'
import { ClientSecrets } from '../client-secret/client-secrets.js'
import { grantGuid, grantStream } from '../grant/grant.stream.js'
import { putTokens } from '../grant/grant.tokens.js'
import { Safe } from '../safe/index.js'
import { ConsentRequests, type ConsentRequest } from './consent-requests.js'
import type { ConsentPage } from './consent.page.js'

type UserActor = Extract<Actor, { type: 'user' }>

/** Where the browser goes next: away, or onto a page that says why not. */
export type Answer = { readonly redirect: string } | { readonly page: ConsentPage }

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
    private readonly secrets: ClientSecrets,
    private readonly safe: Safe,
    private readonly outbound: Outbound,
    private readonly server: ServerSettings,
    private readonly settings: ExchangeSettings,
  ) {}

  /** Sends the viewer to the provider. */
  async begin(viewer: UserActor, integrationGuid: string, returnTo: unknown): Promise<Answer> {
    const found = await this.#find(integrationGuid)
    if (
      !found ||
      found.integration.auth_type !== 'Viewer' ||
      !found.integration.authorization_server?.authorization_endpoint ||
      !found.integration.client
    )
      return { page: noSuchIntegration }
    const { authorization_server, client } = found.integration
    const { url, state, codeVerifier } = await authorizationRequest(authorization_server, client, this.#redirectUri)
    await this.requests.begin({
      userGuid: viewer.guid,
      sid: viewer.sid,
      integrationGuid,
      integrationVersion: found.version,
      returnTo: localPath(returnTo),
      state,
      codeVerifier,
    })
    return { redirect: url }
  }

  /** Takes the viewer back with a code, redeems it and keeps the tokens. */
  async finish(actor: Actor, query: URLSearchParams): Promise<Answer> {
    if (actor.type !== 'user') return { page: notLoggedIn }
    let callback: Callback
    try {
      callback = readCallback(query)
    } catch (error) {
      if (error instanceof CallbackError) return { page: unreadable }
      throw error
    }
    const request = await this.requests.take(callback.state, { userGuid: actor.guid, sid: actor.sid })
    if (!request) {
      this.#logger.warn({ user: actor.guid }, 'a consent callback belongs to no request of this session')
      return { page: notYours }
    }
    const again = this.#loginUrl(request)
    if (request.expired) return { page: expired(again) }
    const found = await this.#find(request.integrationGuid)
    if (!found || found.version !== request.integrationVersion) return { page: integrationChanged(again) }
    try {
      const tokens = await this.#redeem(found.integration, callback, request)
      await this.#keep(actor, request, tokens)
    } catch (error) {
      const page = pageOf(error, again, found.integration.name ?? 'The provider')
      if (!page) throw error
      this.#logger.warn({ err: error, user: actor.guid, integration: request.integrationGuid }, 'a consent failed')
      return { page }
    }
    return { redirect: this.server.urlOf(request.returnTo) }
  }

  async #redeem(integration: IntegrationState, callback: Callback, request: ConsentRequest): Promise<TokenResponse> {
    const code = acceptCode(callback, {
      // Found by its hash: the state is the right one.
      state: callback.state,
      authorizationServer: integration.authorization_server ?? {},
    })
    return await redeemCode(
      this.outbound,
      await this.secrets.providerOf(integration),
      { code, codeVerifier: request.codeVerifier, redirectUri: this.#redirectUri },
      { deadlineMs: this.settings.tokenRequestTimeoutMs },
    )
  }

  async #keep(viewer: UserActor, { guid, integrationGuid, now }: ConsentRequest, tokens: TokenResponse): Promise<void> {
    const { accessToken, refreshToken, expiresIn, scope } = tokens
    const grant = grantGuid(viewer.guid, integrationGuid)
    await this.streams.handle(
      grantStream,
      grant,
      {
        type: 'ObtainGrant',
        userGuid: viewer.guid,
        integrationGuid,
        hasRefreshToken: refreshToken !== undefined,
        expiresAt: expiresIn === undefined ? null : new Date(now.getTime() + expiresIn * 1000),
        scope: scope ?? null,
      },
      { actor: viewer, commandId: guid, correlationId: currentRequest()?.correlationId },
      {
        record: async (client) => {
          // The decider counts; the projection, which ran just now, knows.
          const { rows } = await client.query<{ generation: number }>(sql`
            select generation from oauth_grant where guid = ${grant}`)
          await putTokens(this.safe, client, grant, rows[0]!.generation, { accessToken, refreshToken })
        },
      },
    )
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

  get #redirectUri(): string {
    return this.server.urlOf('/__oauth__/integrations/callback')
  }

  #loginUrl({ integrationGuid, returnTo }: ConsentRequest): string {
    const query = new URLSearchParams({ return_to: returnTo }).toString()
    return this.server.urlOf(`/__oauth__/integrations/${integrationGuid}/login?${query}`)
  }
}

const noSuchIntegration: ConsentPage = {
  status: 404,
  title: 'Nothing to consent to',
  text: 'This integration does not exist any more, or does not ask viewers. Whoever runs the content can say more.',
}
const notLoggedIn: ConsentPage = {
  status: 401,
  title: 'You are not logged in here',
  text: 'The provider has sent you back, but not to the browser session that you left. Open the content again in the browser that you began with.',
}
const unreadable: ConsentPage = {
  status: 400,
  title: 'The provider’s answer cannot be read',
  text: 'Open the content again. If this comes back, the administrator of this server has to look at the integration.',
}
const notYours: ConsentPage = {
  status: 400,
  title: 'This consent was not begun here',
  text: 'It was begun in another session, or is done already. Open the content again to see whether it is still needed.',
}
const expired = (href: string): ConsentPage => ({
  status: 400,
  title: 'That took too long',
  text: 'A consent has to be finished within ten minutes.',
  link: { href, label: 'Begin again' },
})
const integrationChanged = (href: string): ConsentPage => ({
  status: 400,
  title: 'The integration has changed meanwhile',
  text: 'An administrator has changed or removed it while you were at the provider.',
  link: { href, label: 'Begin again' },
})
const declined = (name: string, href: string): ConsentPage => ({
  status: 403,
  title: 'You have not consented',
  text: `${name} says that access was denied. Without it this content cannot act for you there; only you can change that.`,
  link: { href, label: 'Ask me again' },
})
const refusedByProvider = (href: string): ConsentPage => ({
  status: 400,
  title: 'The provider refuses this integration',
  text: 'The administrator of this server has to look at its settings.',
  link: { href, label: 'Try again' },
})
const providerAway = (href: string): ConsentPage => ({
  status: 503,
  title: 'The provider does not answer as it should',
  text: 'Nothing is wrong on your side: try again in a while.',
  link: { href, label: 'Try again' },
})

/** Nothing of what the provider said is repeated to the browser. */
function pageOf(error: unknown, again: string, name: string): ConsentPage | undefined {
  if (error instanceof CallbackError) {
    if (error.reason !== 'refused') return refusedByProvider(again)
    if (error.error === 'access_denied') return declined(name, again)
    return error.error === 'temporarily_unavailable' || error.error === 'server_error'
      ? providerAway(again)
      : refusedByProvider(again)
  }
  if (!(error instanceof TokenEndpointError)) return undefined
  return error.fate === 'retry' ? providerAway(again) : refusedByProvider(again)
}
