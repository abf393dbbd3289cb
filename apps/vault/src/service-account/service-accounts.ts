import { Injectable, Logger } from '@nestjs/common'
import { DomainError, type IntegrationState } from '#libs/contracts'
import { requestClientCredentials, TokenEndpointError } from '#libs/oauth'
import { ExchangeSettings } from '#libs/service'
import { ClientSecrets } from '../client-secret/client-secrets.js'
import { ProviderCalls, tokenEndpointOf } from '../provider/provider-calls.js'

/** Somebody looks at a form while this goes on, in ms. */
const VERIFY_WITHIN_MS = 10_000
const TURN_WITHIN_MS = 2_000

/** Tokens that an integration gets for itself. */
@Injectable()
export class ServiceAccounts {
  readonly #logger = new Logger(ServiceAccounts.name)

  constructor(
    private readonly secrets: ClientSecrets,
    private readonly calls: ProviderCalls,
    private readonly settings: ExchangeSettings,
  ) {}

  /**
   * Gets a token and throws it away.
   * @param integration as it is now; the copy here may be behind
   * @throws DomainError `token_endpoint.failed`, whoever can mend it
   * @see RFC 6749 §4.4
   */
  async verify(integration: IntegrationState): Promise<void> {
    try {
      const provider = await this.secrets.providerOf(integration)
      const deadlineMs = Math.min(VERIFY_WITHIN_MS, this.settings.tokenRequestTimeoutMs)
      await this.calls.visit(
        tokenEndpointOf(integration),
        (ask) => ask((outbound) => requestClientCredentials(outbound, provider, { deadlineMs })),
        TURN_WITHIN_MS,
      )
    } catch (error) {
      if (!(error instanceof TokenEndpointError)) throw error
      this.#logger.warn({ err: error, integration: integration.guid }, 'an integration did not pass its verification')
      throw unobtainable(error)
    }
  }
}

/** What tells a closed port from an open one, or a name that is known from one that is not: nobody's business here. */
const UNREACHABLE = ['name_unknown', 'not_connected', 'tls_failed', 'timed_out', 'cut_off']

/** Says what is wrong as far as it is known; never with what was sent or answered. */
function unobtainable({ fate, error, reason, status }: TokenEndpointError): DomainError {
  const message =
    fate === 'retry'
      ? 'The provider gave no token; it does not answer as it should. Try again later, or look at the addresses.'
      : 'The provider refuses this integration: look at its client ID, client secret and scopes.'
  return new DomainError('invalid', 'token_endpoint.failed', message, {
    payload: {
      reason: UNREACHABLE.includes(reason) ? 'unreachable' : reason,
      ...(error !== undefined && { provider_error: error }),
      ...(status !== undefined && { provider_status: status }),
    },
  })
}
