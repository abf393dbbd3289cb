import { Injectable } from '@nestjs/common'
import type { Secret } from '#libs/contracts'
import { createdGuid, InternalHttp, type CommandContext } from '#libs/service'

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
}
