import { Injectable } from '@nestjs/common'
import { Pool } from 'pg'
import { DomainError, mustBePerson } from '#libs/contracts'
import { Streams } from '#libs/event-sourcing'
import { FailureLimit, type CommandContext } from '#libs/service'
import { ClientSecrets } from './client-secrets.js'
import type { Integration } from './integration.entity.js'
import { publishedIntegration } from './integration.published.js'
import { integrationNotFound } from './integration.refusals.js'
import { integrationStream } from './integration.stream.js'

/** How often one administrator may fail: whoever tries address after address learns little of what is behind them. */
const FAILURES_AT_ONCE = 10
const FAILURES_PER_SECOND = 1 / 6

/** Tries an integration out. */
@Injectable()
export class Verification {
  readonly #failures = new FailureLimit(() => performance.now(), FAILURES_AT_ONCE, FAILURES_PER_SECOND)

  constructor(
    private readonly streams: Streams,
    private readonly pool: Pool,
    private readonly clientSecrets: ClientSecrets,
  ) {}

  /**
   * Whether a service account's token can be had; the outcome is kept in the integration's history.
   * @throws DomainError `integration.not_service_account`, `token_endpoint.failed`, `token_endpoint.unavailable`,
   * `request.rate_limited`
   */
  async verify({ guid, authType }: Pick<Integration, 'guid' | 'authType'>, context: CommandContext): Promise<void> {
    if (authType !== 'Service Account') {
      throw new DomainError(
        'invalid',
        'integration.not_service_account',
        `Only a Service Account integration can be verified; this one is ${authType}.`,
      )
    }
    const document = await publishedIntegration.read(this.pool, guid)
    if (!document?.state) throw integrationNotFound()
    if (!document.state.client) {
      throw new DomainError(
        'invalid',
        'integration.not_service_account',
        'This integration has no client to try out: what it gives is for one content item at a time.',
      )
    }
    const person = mustBePerson(context.actor).guid
    this.#failures.mustHaveLeft(person, 'Too many verifications have failed. Try again later.')
    try {
      await this.#failures.pending(person, this.clientSecrets.verify(document.state))
    } catch (error) {
      // Anything else says nothing of the integration.
      if (error instanceof DomainError && error.code.startsWith('token_endpoint.')) {
        this.#failures.failed(person)
        await this.#record(guid, wordOf(error), context)
      }
      throw error
    }
    await this.#record(guid, null, context)
  }

  async #record(guid: string, error: string | null, context: CommandContext): Promise<void> {
    const command = { type: 'RecordVerification', succeeded: error === null, error } as const
    await this.streams.handle(integrationStream, guid, command, context)
  }
}

/** The provider's own word, if it gave one. */
const wordOf = ({ code, payload }: DomainError): string =>
  typeof payload?.provider_error === 'string' ? payload.provider_error : code
