import { Injectable, Logger } from '@nestjs/common'
import type { IntegrationState } from '#libs/contracts'
import { Outbound, TokenEndpointError } from '#libs/oauth'
import { ExchangeSettings } from '#libs/service'
import { Bulkhead } from './bulkhead.js'
import { Circuits, type Admission } from './circuit.js'

/** Requests of one process that an endpoint has at a time, and that wait for that. */
const AT_A_TIME = 16
const WAITING = 64
/** Seconds after which it may be less crowded. */
const CROWDED_SECONDS = 1

/** Where requests go that are counted together: what an integration does at one URL is no other's matter. */
export interface ProviderEndpoint {
  readonly integrationGuid: string
  readonly url: string
  /** What single viewers bring about is counted by itself, so that nobody can have others refused. */
  readonly use?: 'redemption'
}

export const tokenEndpointOf = ({ guid, authorization_server }: IntegrationState): ProviderEndpoint => ({
  integrationGuid: guid,
  url: authorization_server?.token_endpoint ?? '',
})

/** Where viewers' codes are redeemed: whoever comes with bad ones keeps nobody's refresh away. */
export const redemptionEndpointOf = (integration: IntegrationState): ProviderEndpoint => ({
  ...tokenEndpointOf(integration),
  use: 'redemption',
})

/** A request that was not sent, for the provider's sake or for that of all who wait for it. It may be made again. */
export class NotAskedError extends TokenEndpointError {
  constructor(reason: 'crowded' | 'left_in_peace', retryAfterSeconds: number) {
    super({ fate: 'retry', reason, sent: false, inDoubt: false, retryAfterSeconds })
    this.name = 'NotAskedError'
  }
}

/** Sends one request; a provider is taken for sick when a `TokenEndpointError` with the fate `retry` comes of it. */
export type Ask = <T>(request: (outbound: Outbound) => Promise<T>) => Promise<T>

/**
 * The one way from the vault to providers. Each endpoint has so many requests at a time, and one that fails time after
 * time, or says for how long (`Retry-After`), is left in peace: one that is sick makes no other wait.
 */
@Injectable()
export class ProviderCalls {
  readonly #logger = new Logger(ProviderCalls.name)
  readonly #bulkhead = new Bulkhead(AT_A_TIME, WAITING)
  readonly #circuits = new Circuits()

  constructor(
    private readonly outbound: Outbound,
    private readonly settings: ExchangeSettings,
  ) {}

  /**
   * Does what needs the provider, in its turn. What must not be begun in vain is begun in here, before `ask`.
   * @param waitMs milliseconds until its turn
   * @throws NotAskedError when it is not let in; and whatever the work throws
   */
  async visit<T>(
    endpoint: ProviderEndpoint,
    work: (ask: Ask) => Promise<T>,
    waitMs = this.settings.refreshWaitMs,
  ): Promise<T> {
    const name = nameOf(endpoint)
    // Who is not going to be let in need not wait to hear that.
    if (this.#circuits.restMs(name) > 0) throw this.#leftInPeace(name)
    const leave = await this.#bulkhead.enter(name, waitMs)
    if (!leave) throw new NotAskedError('crowded', CROWDED_SECONDS)
    try {
      const admission = this.#circuits.admit(name)
      if (!admission) throw this.#leftInPeace(name)
      try {
        return await work((request) => this.#ask(endpoint, admission, request))
      } finally {
        admission.release()
      }
    } finally {
      leave()
    }
  }

  /** Whether one more would not have to wait for others. */
  hasRoom(endpoint: ProviderEndpoint): boolean {
    return this.#bulkhead.hasRoom(nameOf(endpoint))
  }

  async #ask<T>(
    endpoint: ProviderEndpoint,
    admission: Admission,
    request: (outbound: Outbound) => Promise<T>,
  ): Promise<T> {
    try {
      const answer = await request(this.outbound)
      admission.answered()
      return answer
    } catch (error) {
      if (error instanceof TokenEndpointError) this.#judge(endpoint, admission, error)
      throw error
    }
  }

  /** A refusal is an answer, in whatever words: only who fails is sick. */
  #judge(
    { integrationGuid }: ProviderEndpoint,
    admission: Admission,
    { fate, sent, status, retryAfterSeconds, busy }: TokenEndpointError,
  ): void {
    if (fate !== 'retry' || (!busy && isAboutThisRequest(status, retryAfterSeconds))) {
      if (sent) admission.answered()
    } else if (admission.failed(retryAfterSeconds)) {
      this.#logger.warn(
        { integration: integrationGuid, retry_after: retryAfterSeconds },
        'a provider fails and is left in peace',
      )
    }
  }

  #leftInPeace(name: string): NotAskedError {
    return new NotAskedError('left_in_peace', Math.ceil(this.#circuits.restMs(name) / 1000))
  }
}

/** A client error that is neither impatience nor a limit (RFC 9110 §15.5): the next person's request may be a good one. */
const isAboutThisRequest = (status: number | undefined, retryAfterSeconds: number | undefined): boolean =>
  status !== undefined && status >= 400 && status < 500 && ![408, 429].includes(status) && !retryAfterSeconds

const nameOf = ({ integrationGuid, url, use }: ProviderEndpoint): string => `${integrationGuid} ${url} ${use ?? ''}`
