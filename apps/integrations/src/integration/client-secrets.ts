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
    { commandId }: CommandContext,
  ): Promise<string | null> {
    if (!clientSecret) return null
    const reference = createdGuid(commandId, 'client_secret')
    await this.http.call('putClientSecret', {
      params: { reference },
      body: { integration_guid: integrationGuid, client_secret: clientSecret.reveal() },
    })
    return reference
  }
}
