import { Pool } from 'pg'
import { Injectable, Logger } from '@nestjs/common'
import type { IntegrationState, Secret } from '#libs/contracts'
import type { Provider } from '#libs/oauth'
import { isTampered, Safe, type Place } from '../safe/index.js'

/** The integration is part of the place, so that no other integration can name the reference and get the secret. */
const placeOf = (reference: string, integrationGuid: string): Place => ['client_secret', reference, integrationGuid]

/** The client secrets of integrations: they come in here and leave for the token endpoint only. */
@Injectable()
export class ClientSecrets {
  readonly #logger = new Logger(ClientSecrets.name)

  constructor(
    private readonly pool: Pool,
    private readonly safe: Safe,
  ) {}

  /** Seals a secret under the caller's reference; a repeat overwrites itself. */
  async put(reference: string, integrationGuid: string, secret: Secret): Promise<void> {
    await this.safe.put(this.pool, placeOf(reference, integrationGuid), 0, secret)
  }

  /**
   * The integration as `libs/oauth` wants it, with its secret opened if it has one.
   * @throws TypeError for an integration that has no provider; SafeError `safe.key_missing`
   */
  async providerOf({ guid, authorization_server, client, quirks }: IntegrationState): Promise<Provider> {
    if (!authorization_server || !client) throw new TypeError(`integration ${guid} has no provider`)
    return {
      authorizationServer: authorization_server,
      client,
      clientSecret: client.client_secret_reference ? await this.#find(client.client_secret_reference, guid) : undefined,
      quirks,
    }
  }

  /** @returns `undefined` when there is none that is good: the token endpoint's error then says `client_secret_missing` */
  async #find(reference: string, integrationGuid: string): Promise<Secret | undefined> {
    try {
      return await this.safe.find(this.pool, placeOf(reference, integrationGuid), 0)
    } catch (error) {
      if (!isTampered(error)) throw error
      this.#logger.error({ integration: integrationGuid, reference }, 'the client secret does not open')
      return undefined
    }
  }
}
