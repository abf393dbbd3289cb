import { Injectable, Logger } from '@nestjs/common'
import { DomainError, Secret, type IntegrationState } from '#libs/contracts'
import { assumeRoleWithWebIdentity, TokenEndpointError } from '#libs/oauth'
import { ExchangeSettings, toTime } from '#libs/service'
import { ProviderCalls } from '../provider/provider-calls.js'

/** What content gets: the credentials as one text, and when they end. */
export interface Credentials {
  readonly text: Secret
  readonly expiresAt: Date
}

/** Milliseconds in which its turn comes where many ask: whoever waits has waited for a refresh before, perhaps. */
const TURN_WITHIN_MS = 5_000

/** What an administrator has to mend, by the service's error codes. */
const ADVICE: Readonly<Record<string, string>> = {
  AccessDenied: 'the role’s trust policy does not admit the ID token; look at its issuer, audience and subject there.',
  ExpiredTokenException: 'the ID token had ended before it arrived; look at the clocks.',
  IDPCommunicationError: 'it cannot read the keys of the ID token’s issuer, which must be reachable from there.',
  IDPRejectedClaim: 'a claim of the ID token is refused; look at the role’s trust policy.',
  InvalidIdentityToken: 'it does not know the ID token’s issuer or audience; look at the identity provider there.',
  RegionDisabledException: 'its region is not active for the account.',
  ValidationError: 'it cannot read the request; look at the role of the integration.',
}

/** Trades ID tokens for credentials of a role. Nothing is kept: each exchange has a session of its own. */
@Injectable()
export class TemporaryCredentials {
  readonly #logger = new Logger(TemporaryCredentials.name)

  constructor(
    private readonly calls: ProviderCalls,
    private readonly settings: ExchangeSettings,
  ) {}

  /** @throws DomainError `exchange.credentials_refused`, `exchange.credentials_unavailable` */
  async obtain({ guid, issues }: IntegrationState, idToken: Secret, sessionName: string): Promise<Credentials> {
    const { endpoint, parameters } = issues ?? {}
    if (endpoint === undefined || parameters === undefined) throw refused(undefined)
    const deadlineMs = this.settings.tokenRequestTimeoutMs
    try {
      const { accessKeyId, secretAccessKey, sessionToken, expiration } = await this.calls.visit(
        { integrationGuid: guid, url: endpoint },
        (ask) =>
          ask((outbound) =>
            assumeRoleWithWebIdentity(outbound, { endpoint, parameters }, idToken, sessionName, { deadlineMs }),
          ),
        TURN_WITHIN_MS,
      )
      const members = {
        accessKeyId,
        secretAccessKey: secretAccessKey.reveal(),
        sessionToken: sessionToken.reveal(),
        // Clients read whole seconds and nothing else.
        expiration: toTime(expiration),
      }
      return { text: new Secret(Buffer.from(JSON.stringify(members)).toString('base64')), expiresAt: expiration }
    } catch (error) {
      if (!(error instanceof TokenEndpointError)) throw error
      this.#logger.warn({ err: error, integration: guid }, 'an ID token could not be traded for credentials')
      throw error.fate === 'retry' ? unavailable() : refused(error.error)
    }
  }
}

/** An administrator can mend it (248). */
const refused = (code: string | undefined): DomainError =>
  new DomainError(
    'invalid',
    'exchange.credentials_refused',
    `The token service refuses: ${(code && ADVICE[code]) ?? 'look at the role and its identity provider there.'}`,
    { payload: { oauth_error: 'invalid_target', ...(code !== undefined && { provider_error: code }) } },
  )

/** Time can mend it (248). */
const unavailable = (): DomainError =>
  new DomainError(
    'unavailable',
    'exchange.credentials_unavailable',
    'The token service does not answer as it should; try again later.',
    { payload: { oauth_error: 'temporarily_unavailable' } },
  )
