import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'pg'
import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common'
import { v5 as uuidV5 } from 'uuid'
import { DomainError, type Actor, type IntegrationState, type Secret } from '#libs/contracts'
import { ConcurrencyConflict, Streams, transaction, type CommandContext } from '#libs/event-sourcing'
import { Outbound, refreshTokens, TokenEndpointError, type Provider, type TokenResponse } from '#libs/oauth'
import { currentRequest, ExchangeSettings } from '#libs/service'
import { ClientSecrets } from '../client-secret/client-secrets.js'
import { Safe } from '../safe/index.js'
import { Bulkhead } from './bulkhead.js'
import type { RefreshFate } from './grant.events.js'
import { GrantQueries, type RefreshRow } from './grant.queries.js'
import { grantStream, tokenPlace } from './grant.stream.js'
import { oweRevocation, putTokens } from './grant.tokens.js'

const FIRST_POLL_MS = 25
const LONGEST_POLL_MS = 100
/** After a failure nobody tries again for this long, by the database's clock: all who ask meanwhile hear the same. */
const PAUSE_AFTER_FAILURE_MS = 2_000
const STORE_AGAIN_MS = 250
/** Grants of one integration that are being refreshed by one process, and that wait for it: its provider may be slow. */
const AT_A_TIME = 16
const WAITING = 64
/** Milliseconds that an orderly end gives to storing, beside the time that a provider has. */
export const STORE_WITHIN_MS = 2_000

const VAULT: Actor = { type: 'service', name: 'vault' }

/**
 * What came of it; except after a failure, the facts have to be looked up again. `crowded`: too many others of the
 * same integration are waiting.
 */
export type RefreshOutcome =
  | { readonly kind: 'refreshed' | 'moved_on' | 'waited_in_vain' | 'crowded' }
  | { readonly kind: 'failed'; readonly fate: RefreshFate; readonly error: string | null }

interface Attempt {
  readonly guid: string
  readonly attempt: string
  readonly row: RefreshRow
  readonly provider: Provider
  readonly former: Secret
  readonly integrationGuid: string
}

interface Running {
  readonly outcome: Promise<RefreshOutcome>
  /** When the last of those goes away who wait for it, by the monotonic clock: nothing is tried after that. */
  until: number
}

/**
 * Refreshes grants, each once at a time however many ask and in however many processes: the append of `RefreshBegun` is
 * the lock, and a lease frees what a dead process held. The new tokens are stored before anyone is answered.
 */
@Injectable()
export class Refreshes implements BeforeApplicationShutdown {
  readonly #logger = new Logger(Refreshes.name)
  readonly #running = new Map<string, Running>()
  readonly #bulkhead = new Bulkhead(AT_A_TIME, WAITING)
  readonly #end = new AbortController()
  /** By the monotonic clock. */
  #endsAt = Infinity

  constructor(
    private readonly pool: Pool,
    private readonly streams: Streams,
    private readonly grants: GrantQueries,
    private readonly safe: Safe,
    private readonly secrets: ClientSecrets,
    private readonly outbound: Outbound,
    private readonly settings: ExchangeSettings,
  ) {}

  /**
   * Has the given generation of a grant replaced, by this process or by another that is at it already.
   * @param waitMs milliseconds after which the caller goes away; the refresh itself goes on
   */
  async refresh(
    grant: { readonly guid: string; readonly generation: number },
    integration: IntegrationState,
    waitMs: number = this.settings.refreshWaitMs,
  ): Promise<RefreshOutcome> {
    const until = performance.now() + waitMs
    const running = this.#running.get(grant.guid) ?? this.#start(grant, integration)
    if (!running) return { kind: 'crowded' }
    running.until = Math.max(running.until, until)
    const inVain = new AbortController()
    try {
      return await Promise.race([
        running.outcome,
        delay<RefreshOutcome>(Math.max(0, waitMs), { kind: 'waited_in_vain' }, { signal: inVain.signal }),
      ])
    } finally {
      inVain.abort()
    }
  }

  /**
   * An orderly end loses nothing: awaits tokens on their way until they are stored. What could not be awaited is not
   * begun any more.
   */
  async finish(): Promise<void> {
    this.#endsAt = Math.min(this.#endsAt, performance.now() + this.settings.tokenRequestTimeoutMs + STORE_WITHIN_MS)
    const limit = Math.max(0, this.#endsAt - performance.now())
    const running = [...this.#running.values()].map(({ outcome }) => outcome)
    await Promise.race([Promise.allSettled(running), delay(limit, undefined, { ref: false })])
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.finish()
    this.#end.abort()
  }

  /** @returns `undefined` when too many others wait already */
  #start(
    grant: { readonly guid: string; readonly generation: number },
    integration: IntegrationState,
  ): Running | undefined {
    const patience = { until: performance.now() + this.settings.refreshWaitMs }
    const begun = this.#bulkhead.enter(integration.guid, () => this.#run(grant, integration, patience))
    if (!begun) return undefined
    const outcome = begun.finally(() => this.#running.delete(grant.guid))
    // Everybody may have gone away by the time it fails.
    outcome.catch(() => undefined)
    const running = Object.assign(patience, { outcome })
    this.#running.set(grant.guid, running)
    return running
  }

  async #run(
    { guid, generation }: { guid: string; generation: number },
    integration: IntegrationState,
    patience: Pick<Running, 'until'>,
  ): Promise<RefreshOutcome> {
    let pause = FIRST_POLL_MS
    let awaited: string | undefined
    while (performance.now() < patience.until && !this.#end.signal.aborted) {
      const row = await this.grants.forRefresh(guid)
      if (!row || row.generation !== generation || row.status !== 'usable') return { kind: 'moved_on' }
      if (row.lease && row.lease.until > row.now) {
        awaited = row.lease.attempt
        await delay(pause)
        pause = Math.min(pause * 1.5, LONGEST_POLL_MS)
        continue
      }
      const { failure } = row
      if (failure && (failure.attempt === awaited || row.now.getTime() - failure.at.getTime() < PAUSE_AFTER_FAILURE_MS))
        return { kind: 'failed', fate: failure.fate, error: failure.error }
      if (!row.refreshToken) throw new Error(`grant ${guid} has no refresh token in the safe`)
      if (performance.now() + this.settings.tokenRequestTimeoutMs > this.#endsAt) break

      const attempt: Attempt = {
        guid,
        attempt: randomUUID(),
        row,
        // Opened before the lease is taken, so that nothing but the provider can use it up.
        provider: await this.secrets.providerOf(integration),
        former: await this.safe.openEnvelope(row.refreshToken, tokenPlace(guid, 'refresh_token'), generation),
        integrationGuid: integration.guid,
      }
      if (await this.#begin(attempt)) return this.#ask(attempt)
    }
    return { kind: 'waited_in_vain' }
  }

  /** @returns whether the lease is ours; the row says why if not */
  async #begin({ guid, attempt, row }: Attempt): Promise<boolean> {
    const { generation, now } = row
    const leaseMilliseconds = this.settings.refreshLeaseMs
    try {
      await this.streams.handle(
        grantStream,
        guid,
        { type: 'BeginRefresh', generation, attempt, now, leaseMilliseconds },
        contextOf(attempt),
      )
      return true
    } catch (error) {
      if (error instanceof DomainError || error instanceof ConcurrencyConflict) return false
      throw error
    }
  }

  /** Holds the lease and no connection to the database. */
  async #ask(attempt: Attempt): Promise<RefreshOutcome> {
    let answer: TokenResponse
    try {
      const deadlineMs = this.settings.tokenRequestTimeoutMs
      answer = await refreshTokens(this.outbound, attempt.provider, attempt.former, { deadlineMs })
    } catch (error) {
      return await this.#failed(attempt, error)
    }
    return await this.#store(attempt, answer)
  }

  async #failed({ guid, attempt, row }: Attempt, thrown: unknown): Promise<RefreshOutcome> {
    const known = thrown instanceof TokenEndpointError
    const fate: RefreshFate = known ? thrown.fate : 'retry'
    const error = known ? (thrown.error ?? null) : null
    const inDoubt = known ? thrown.inDoubt : true
    this.#logger.warn({ err: thrown, grant: guid, attempt, fate, in_doubt: inDoubt }, 'a refresh failed')
    const { generation } = row
    try {
      const { events } = await this.streams.handle(
        grantStream,
        guid,
        { type: 'RecordRefreshFailed', generation, attempt, fate, error, inDoubt },
        contextOf(uuidV5('failed', attempt)),
      )
      // Not ours to say any more: whoever has taken over knows better.
      if (events.length === 0) return { kind: 'moved_on' }
    } catch (err) {
      this.#logger.error(
        { err, grant: guid, attempt },
        'a failed refresh could not be recorded: its lease will end by itself',
      )
    }
    return { kind: 'failed', fate, error }
  }

  /** These tokens may be the only good ones there are: tried until they are stored or the process must end. */
  async #store(attempt: Attempt, answer: TokenResponse): Promise<RefreshOutcome> {
    const { guid, row, former } = attempt
    const { generation, now } = row
    const { accessToken, expiresIn, scope } = answer
    const tokens = { accessToken, refreshToken: answer.refreshToken ?? former }
    const command = {
      type: 'RecordRefreshed',
      generation,
      attempt: attempt.attempt,
      // From before the request was sent: rather too early than too late.
      expiresAt: expiresIn === undefined ? null : new Date(now.getTime() + expiresIn * 1000),
      scope: scope ?? null,
    } as const
    try {
      await this.#untilStored(attempt, () =>
        this.streams.handle(grantStream, guid, command, contextOf(uuidV5('refreshed', attempt.attempt)), {
          record: (client) => putTokens(this.safe, client, guid, generation + 1, tokens),
        }),
      )
      return { kind: 'refreshed' }
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
    }
    // The grant was withdrawn or obtained anew meanwhile.
    await this.#untilStored(attempt, () => this.#owe(attempt, answer))
    return { kind: 'moved_on' }
  }

  /** @throws DomainError what `work` refuses; its other failures only when the process must end */
  async #untilStored(attempt: Attempt, work: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await work()
        return
      } catch (err) {
        if (err instanceof DomainError) throw err
        this.#logger.error({ err, grant: attempt.guid, attempt: attempt.attempt }, 'new tokens are not stored yet')
        if (this.#end.signal.aborted) throw err
      }
      await delay(STORE_AGAIN_MS, undefined, { ref: false })
    }
  }

  /** Notes tokens that came too late, unless their end would be the end of those that the grant has now. */
  async #owe({ guid, attempt, former, integrationGuid }: Attempt, answer: TokenResponse): Promise<void> {
    const row = await this.grants.forRefresh(guid)
    if (row && row.status !== 'revoked') {
      const stored =
        row.refreshToken &&
        (await this.safe.openEnvelope(row.refreshToken, tokenPlace(guid, 'refresh_token'), row.generation))
      const late = (answer.refreshToken ?? former).reveal()
      if (late === former.reveal() || late === stored?.reveal()) return
    }
    this.#logger.warn({ grant: guid, attempt }, 'new tokens came too late and are to be revoked')
    const { accessToken, refreshToken } = answer
    await transaction(this.pool, (client) =>
      oweRevocation(this.safe, client, attempt, integrationGuid, { accessToken, refreshToken }),
    )
  }
}

const contextOf = (commandId: string): CommandContext => ({
  actor: VAULT,
  commandId,
  correlationId: currentRequest()?.correlationId,
})
