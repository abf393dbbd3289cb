import { Injectable, Logger } from '@nestjs/common'
import { REQUESTED_TOKEN_TYPE, type IntegrationState, type Secret } from '#libs/contracts'
import { IdTokenError, IdTokens, type TokenResponse } from '#libs/oauth'
import type { IdTokenFacts } from './grant.events.js'
import { isTradable } from './id-token.js'

/** What is kept with a new token set; both absent where the integration trades no ID token. */
export interface KeptIdToken {
  /** `null`: there is none that is good. */
  readonly idToken?: Secret | null
  readonly facts?: IdTokenFacts
}

/** Of the tokens that are refreshed. */
export interface FormerIdToken {
  /** Who has consented, if the provider has said so. */
  readonly subject: string | undefined
  /** Good until it ends, whatever becomes of the other tokens. */
  readonly kept: { readonly idToken: Secret; readonly expiresAt: Date } | undefined
}

/** Whether the viewer's ID token is what content's credentials are made of. */
export const tradesIdToken = ({ auth_type, issues }: IntegrationState): boolean =>
  auth_type === 'Viewer' && issues?.type === REQUESTED_TOKEN_TYPE.temporaryCredentials

/** What may be between rotated tokens and the safe: time enough for keys that are at hand (R02), in ms. */
const AT_HAND_MS = 250

/** Which ID token a grant keeps: one that has been verified, or none. */
@Injectable()
export class GrantIdTokens {
  readonly #logger = new Logger(GrantIdTokens.name)

  constructor(private readonly idTokens: IdTokens) {}

  /** Before tokens are refreshed: what may take long is done while nothing can be lost. */
  async prepare(integration: IntegrationState): Promise<void> {
    const { issuer } = integration.authorization_server ?? {}
    if (tradesIdToken(integration) && issuer !== undefined) await this.idTokens.prepare(issuer)
  }

  /** @param former is kept where no other one came, which providers need not give (OpenID Connect Core §12.2) */
  async of(
    integration: IntegrationState,
    { idToken }: Pick<TokenResponse, 'idToken'>,
    former?: FormerIdToken,
  ): Promise<KeptIdToken> {
    if (!tradesIdToken(integration)) return {}
    const facts: IdTokenFacts = idToken ? await this.#factsOf(integration, idToken, former) : { fault: 'none' }
    if (idToken && facts.expiresAt !== undefined) return { idToken, facts }
    const { kept } = former ?? {}
    // One that cannot be traded any more would only be asked for again, with each exchange.
    if (kept && isTradable(kept.expiresAt, new Date()))
      return { idToken: kept.idToken, facts: { expiresAt: kept.expiresAt.toISOString() } }
    return { idToken: null, facts }
  }

  async #factsOf(
    { guid, authorization_server, client }: IntegrationState,
    idToken: Secret,
    former: FormerIdToken | undefined,
  ): Promise<IdTokenFacts> {
    try {
      const { issuer } = authorization_server ?? {}
      const { subject, expiresAt } = await this.idTokens.verify(
        idToken,
        issuer,
        client?.client_id ?? '',
        former && AT_HAND_MS,
      )
      // OpenID Connect Core §12.2
      if (former?.subject !== undefined && subject !== former.subject) throw new IdTokenError('invalid', 'sub')
      return { expiresAt: expiresAt.toISOString() }
    } catch (error) {
      this.#logger.warn({ err: error, integration: guid }, 'an ID token is not believed')
      // Whatever it is: the tokens that came with it may be the only good ones, and wait to be stored.
      return { fault: error instanceof IdTokenError ? error.fault : 'unverified' }
    }
  }
}
