import { Injectable } from '@nestjs/common'
import type { IntegrationState, Secret } from '#libs/contracts'
import { createdGuid, InternalHttp, type CommandContext } from '#libs/service'

/** Milliseconds: the vault has a provider to ask. */
const VERIFY_WITHIN_MS = 15_000

/** Hands client secrets to the vault and keeps nothing but the reference. */
@Injectable()
export class ClientSecrets {
  constructor(private readonly http: InternalHttp) {}

  /**
   * @returns where the safe keeps it; a repeated command gives the same reference and overwrites itself
   * @throws DomainError kind `unavailable` when the vault does not answer
   */
  async handOver(
    integrationGuid: string,
    clientSecret: Secret | undefined,
    { commandId, requestFingerprint = '' }: CommandContext,
  ): Promise<string | null> {
    if (!clientSecret) return null
    // Another request under the same idempotency key must not overwrite the secret of the one that wins.
    const reference = createdGuid(commandId, `client_secret ${requestFingerprint}`)
    await this.http.call('putClientSecret', {
      params: { reference },
      body: { integration_guid: integrationGuid, client_secret: clientSecret.reveal() },
    })
    return reference
  }

  /**
   * Has the vault get a token of the service account and throw it away.
   * @param integration as it is now: the vault's own copy may be behind
   * @throws DomainError `token_endpoint.failed`, `token_endpoint.unavailable`, or kind `unavailable`
   */
  async verify(integration: IntegrationState): Promise<void> {
    await this.http.call('verifyIntegration', { body: { integration }, timeoutMs: VERIFY_WITHIN_MS })
  }
}
