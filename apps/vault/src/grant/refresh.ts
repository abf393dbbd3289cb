import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'pg'
import { Injectable, Logger, Optional, type BeforeApplicationShutdown } from '@nestjs/common'
import { v5 as uuidV5 } from 'uuid'
import { DomainError, type Actor, type IntegrationState, type Rotation, type Secret } from '#libs/contracts'
import {
  ConcurrencyConflict,
  Streams,
  transaction,
  type CommandContext,
  type RecordedEvent,
} from '#libs/event-sourcing'
import {
  mayRenewEarly,
  refreshTokens,
  rotationOf,
  TokenEndpointError,
  type Provider,
  type TokenResponse,
} from '#libs/oauth'
import { currentRequest, ExchangeSettings } from '#libs/service'
import { ClientSecrets } from '../client-secret/client-secrets.js'
import { clientFingerprint } from '../provider/client-fingerprint.js'
import { NotAskedError, ProviderCalls, tokenEndpointOf, type Ask } from '../provider/provider-calls.js'
import { within } from '../provider/within.js'
import { isTampered, Safe } from '../safe/index.js'
import { fingerprintOf } from '../service-account/service-token.js'
import type { GrantEvent, RefreshFate } from './grant.events.js'
import { GrantIdTokens, tradesIdToken, type FormerIdToken } from './grant-id-tokens.js'
import { GrantQueries, type RefreshRow } from './grant.queries.js'
import { grantStream, subjectOf, subjectPlace, tokenPlace } from './grant.stream.js'
import { oweRevocation, putTokens } from './grant.tokens.js'
import { RefreshMetrics } from './refresh-metrics.js'
import { renewalDue } from './renewal.js'
import { untilStored } from './until-stored.js'

const FIRST_POLL_MS = 25
const LONGEST_POLL_MS = 100
/** After a failure nobody tries again for this long, by the database's clock: all who ask meanwhile hear the same. */
const PAUSE_AFTER_FAILURE_MS = 2_000
/** The same for renewals that nobody needs yet. */
const PAUSE_AFTER_EARLY_FAILURE_MS = 30_000
/** The longest pause after refusals that only an administrator can mend. */
const LONGEST_PAUSE_MS = 5 * 60_000
const EARLY_REMEMBERED = 10_000
/** Milliseconds that an orderly end gives to storing, beside the time that a provider has. */
export const STORE_WITHIN_MS = 2_000

const VAULT: Actor = { type: 'service', name: 'vault' }

/** What came of it; except after a failure, the facts have to be looked up again. */
export type RefreshOutcome =
  | { readonly kind: 'refreshed' | 'moved_on' | 'waited_in_vain' }
  | { readonly kind: 'failed'; readonly fate: RefreshFate; readonly error: string | null }

interface Attempt {
  readonly guid: string
  readonly attempt: string
  readonly row: RefreshRow
  readonly provider: Provider
  /** The refresh token that is sent. */
  readonly former: Secret
  /** The one before, where the provider still takes it. */
  readonly formerButOne: Secret | undefined
  readonly formerIdToken: FormerIdToken | undefined
  readonly integration: IntegrationState
  readonly rotation: Rotation
  readonly ask: Ask
  /** By the monotonic clock. */
  readonly leaseEndsAt: number
}

interface Patience {
  /** Milliseconds after a failure in which nothing is tried. */
  pauseMs: number
  /** When the last of those goes away who wait for it, by the monotonic clock: nothing is tried after that. */
  until: number
}

interface Running extends Patience {
  readonly outcome: Promise<RefreshOutcome>
}

/**
 * Refreshes grants, each once at a time however many ask and in however many processes: the append of `RefreshBegun` is
 * the lock, and a lease frees what a dead process held. The new tokens are stored before anyone is answered.
 */
@Injectable()
export class Refreshes implements BeforeApplicationShutdown {
  readonly #logger = new Logger(Refreshes.name)
  readonly #running = new Map<string, Running>()
  readonly #end = new AbortController()
  /** When an early renewal of a grant was last begun here, by the monotonic clock. */
  readonly #early = new Map<string, number>()
  /** By the monotonic clock. */
  #endsAt = Infinity

  constructor(
    private readonly pool: Pool,
    private readonly streams: Streams,
    private readonly grants: GrantQueries,
    private readonly safe: Safe,
    private readonly secrets: ClientSecrets,
    private readonly calls: ProviderCalls,
    private readonly idTokens: GrantIdTokens,
    private readonly settings: ExchangeSettings,
    @Optional() private readonly metrics?: RefreshMetrics,
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
    running.until = Math.max(running.until, until)
    running.pauseMs = PAUSE_AFTER_FAILURE_MS
    return await within(waitMs, running.outcome, { kind: 'waited_in_vain' })
  }

  /**
   * Has a token replaced that is still good, if it is time; nobody waits for that.
   * @param now the database's clock
   */
  renewEarly(
    grant: {
      readonly guid: string
      readonly generation: number
      readonly expiresAt: Date | null
      readonly tokenSince?: Date | null
      readonly hasRefreshToken: boolean
    },
    integration: IntegrationState,
    now: Date,
  ): void {
    if (!grant.hasRefreshToken || !renewalDue(grant, now) || !mayRenewEarly(integration.quirks)) return
    const last = this.#early.get(grant.guid)
    if (last !== undefined && performance.now() - last < PAUSE_AFTER_EARLY_FAILURE_MS) return
    if (this.#early.size >= EARLY_REMEMBERED) this.#early.clear()
    this.#early.set(grant.guid, performance.now())
    void this.recover(grant, integration, PAUSE_AFTER_EARLY_FAILURE_MS)
  }

  /**
   * Tries once more although nobody waits for it, unless somebody does already or takes the place.
   * @returns when it is over; `undefined` when nothing was begun
   */
  recover(
    grant: { readonly guid: string; readonly generation: number },
    integration: IntegrationState,
    pauseMs = PAUSE_AFTER_FAILURE_MS,
  ): Promise<unknown> | undefined {
    if (this.#running.has(grant.guid) || !this.calls.hasRoom(tokenEndpointOf(integration))) return undefined
    return this.#start(grant, integration, pauseMs).outcome.catch((err: unknown) => {
      this.#logger.warn({ err, grant: grant.guid }, 'a refresh that nobody waits for could not be tried')
    })
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

  #start(
    grant: { readonly guid: string; readonly generation: number },
    integration: IntegrationState,
    pauseMs = PAUSE_AFTER_FAILURE_MS,
  ): Running {
    const patience = { until: performance.now() + this.settings.refreshWaitMs, pauseMs }
    const outcome = this.#run(grant, integration, patience).finally(() => this.#running.delete(grant.guid))
    // Everybody may have gone away by the time it fails.
    outcome.catch(() => undefined)
    const running = Object.assign(patience, { outcome })
    this.#running.set(grant.guid, running)
    return running
  }

  async #run(
    grant: { readonly guid: string; readonly generation: number },
    integration: IntegrationState,
    patience: Patience,
  ): Promise<RefreshOutcome> {
    const settings = fingerprintOf(integration)
    let pause = FIRST_POLL_MS
    let awaited: string | undefined
    while (this.#isWanted(patience)) {
      const row = await this.grants.forRefresh(grant.guid)
      const { pauseMs } = patience
      const standing = standingOf(row, grant.generation, { pauseMs, settings }, awaited)
      if (standing === 'free') {
        if (this.#isTooLate()) break
        const outcome = await this.#visit(grant, integration, patience)
        if (outcome) return outcome
      } else if (standing === 'taken') {
        awaited = row?.lease?.attempt ?? awaited
        await delay(pause)
        pause = Math.min(pause * 1.5, LONGEST_POLL_MS)
      } else return standing
    }
    return { kind: 'waited_in_vain' }
  }

  /** @returns `undefined` when somebody else was first */
  async #visit(
    { guid, generation }: { readonly guid: string; readonly generation: number },
    integration: IntegrationState,
    patience: Patience,
  ): Promise<RefreshOutcome | undefined> {
    const rotation = rotationOf(integration.quirks)
    const settings = fingerprintOf(integration)
    try {
      return await this.calls.visit(tokenEndpointOf(integration), async (ask) => {
        await this.idTokens.prepare(integration)
        // Its turn may have come late.
        const row = await this.grants.forRefresh(guid)
        const isFree = standingOf(row, generation, { pauseMs: patience.pauseMs, settings }) === 'free'
        if (!row || !isFree || !this.#isWanted(patience) || this.#isTooLate()) return undefined
        // Somebody has changed the integration meanwhile: no other provider is to see this refresh token.
        if (row.client !== clientFingerprint(integration)) return { kind: 'moved_on' }
        const former = await this.#opened(row.refreshToken, guid, 'refresh_token', generation)
        if (!former) return await this.#damaged(guid, generation)
        if (!(await this.#canSeal(guid))) return { kind: 'failed', fate: 'retry', error: null }
        const attempt: Attempt = {
          guid,
          attempt: randomUUID(),
          row,
          // Opened before the lease is taken, so that nothing but the provider can use it up.
          provider: await this.secrets.providerOf(integration),
          former,
          formerButOne: await this.#opened(row.formerRefreshToken, guid, 'refresh_token', generation - 1),
          formerIdToken: await this.#formerIdToken(guid, row, integration),
          integration,
          rotation,
          ask,
          leaseEndsAt: performance.now() + this.settings.refreshLeaseMs,
        }
        return (await this.#begin(attempt)) ? await this.#ask(attempt) : undefined
      })
    } catch (error) {
      // The grant has nothing to do with it, so nothing is written down.
      if (error instanceof NotAskedError) return { kind: 'failed', fate: 'retry', error: null }
      throw error
    }
  }

  #isWanted({ until }: Patience): boolean {
    return performance.now() < until && !this.#end.signal.aborted
  }

  /** Whether this process ends before a provider has had its time. */
  #isTooLate(): boolean {
    return performance.now() + this.settings.tokenRequestTimeoutMs > this.#endsAt
  }

  /** Whether what the provider may give could be stored: it is not asked for what only this process would have. */
  async #canSeal(guid: string): Promise<boolean> {
    try {
      await this.safe.mustSeal(this.pool)
      return true
    } catch (err) {
      this.#logger.error({ err, grant: guid }, 'nothing is refreshed while the safe cannot take new tokens')
      return false
    }
  }

  /** @returns whether the lease is ours; the row says why if not */
  async #begin({ guid, attempt, row, rotation }: Attempt): Promise<boolean> {
    const { generation, now } = row
    const leaseMilliseconds = this.settings.refreshLeaseMs
    try {
      const { events } = await this.streams.handle(
        grantStream,
        guid,
        { type: 'BeginRefresh', generation, attempt, now, leaseMilliseconds, rotation },
        contextOf(attempt),
      )
      this.#happened(guid, events)
      return events.some(({ type }) => type === 'RefreshBegun')
    } catch (error) {
      if (error instanceof DomainError || error instanceof ConcurrencyConflict) return false
      throw error
    }
  }

  /** Holds the lease and no connection to the database. */
  async #ask(attempt: Attempt): Promise<RefreshOutcome> {
    let used = attempt
    let answer: TokenResponse
    try {
      answer = await this.#send(attempt)
    } catch (error) {
      // Where the former token is still taken it may be that its successor never became good.
      const { formerButOne } = attempt
      if (!formerButOne || !isInvalidGrant(error)) return await this.#failed(attempt, error)
      used = { ...attempt, former: formerButOne }
      try {
        answer = await this.#send(used)
      } catch (another) {
        return await this.#failed(attempt, another)
      }
    }
    return await this.#store(used, answer)
  }

  async #send({ provider, former, leaseEndsAt, ask }: Attempt): Promise<TokenResponse> {
    // A second request of one lease has what the first one left: the lease outlives both.
    const deadlineMs = Math.max(1, Math.min(this.settings.tokenRequestTimeoutMs, leaseEndsAt - performance.now()))
    return await ask((outbound) => refreshTokens(outbound, provider, former, { deadlineMs }))
  }

  async #failed({ guid, attempt, row, rotation, integration }: Attempt, thrown: unknown): Promise<RefreshOutcome> {
    const known = thrown instanceof TokenEndpointError
    const fate: RefreshFate = known ? thrown.fate : 'retry'
    const error = known ? (thrown.error ?? null) : null
    const inDoubt = known ? thrown.inDoubt : true
    this.#logger.warn({ err: thrown, grant: guid, attempt, fate, in_doubt: inDoubt }, 'a refresh failed')
    const { generation } = row
    const settings = fingerprintOf(integration)
    try {
      const { events } = await this.streams.handle(
        grantStream,
        guid,
        { type: 'RecordRefreshFailed', generation, attempt, fate, error, inDoubt, rotation, settings },
        contextOf(uuidV5('failed', attempt)),
      )
      this.#happened(guid, events)
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
    const heardAt = performance.now()
    const { guid, row, former, rotation } = attempt
    const { generation, now } = row
    const { accessToken, expiresIn, scope } = answer
    const { idToken, facts } = await this.idTokens.of(attempt.integration, answer, attempt.formerIdToken)
    const tokens = { accessToken, refreshToken: answer.refreshToken ?? former, idToken }
    const command = {
      type: 'RecordRefreshed',
      generation,
      attempt: attempt.attempt,
      // From before the request was sent: rather too early than too late.
      expiresAt: expiresIn === undefined ? null : new Date(now.getTime() + expiresIn * 1000),
      scope: scope ?? null,
      idToken: facts,
    } as const
    try {
      await this.#untilStored(attempt, () =>
        this.streams.handle(grantStream, guid, command, contextOf(uuidV5('refreshed', attempt.attempt)), {
          record: (client) => putTokens(this.safe, client, guid, generation + 1, tokens, rotation),
        }),
      )
      this.metrics?.stored(performance.now() - heardAt)
      return { kind: 'refreshed' }
    } catch (error) {
      if (!isSuperseded(error)) throw error
    }
    // The grant was withdrawn or obtained anew meanwhile.
    await this.#untilStored(attempt, () => this.#owe(attempt, answer))
    return { kind: 'moved_on' }
  }

  /** @returns `undefined` for what is not there or will never open; whatever else is wrong may pass */
  async #opened(
    envelope: Buffer | null,
    guid: string,
    token: 'refresh_token' | 'id_token',
    generation: number,
  ): Promise<Secret | undefined> {
    try {
      return envelope ? await this.safe.openEnvelope(envelope, tokenPlace(guid, token), generation) : undefined
    } catch (error) {
      if (isTampered(error)) return undefined
      throw error
    }
  }

  /** Nobody but its user can mend a grant whose refresh token is gone. */
  async #damaged(guid: string, generation: number): Promise<RefreshOutcome> {
    try {
      const context = contextOf(uuidV5(`damaged/${generation}`, guid))
      const { events } = await this.streams.handle(grantStream, guid, { type: 'RecordDamage', generation }, context)
      this.#happened(guid, events)
    } catch (error) {
      if (!isSuperseded(error)) throw error
    }
    return { kind: 'moved_on' }
  }

  /** The ID token of the tokens that are replaced, and whose it is; `undefined` where none is needed. */
  async #formerIdToken(
    guid: string,
    row: RefreshRow,
    integration: IntegrationState,
  ): Promise<FormerIdToken | undefined> {
    if (!tradesIdToken(integration)) return undefined
    const { idToken } = row
    const opened = idToken && (await this.#opened(idToken.envelope, guid, 'id_token', row.generation))
    const kept = opened && { idToken: opened, expiresAt: idToken.expiresAt }
    const who = await this.safe.find(this.pool, subjectPlace(guid), 0)
    return { subject: who && subjectOf(who), kept: kept ?? undefined }
  }

  /** Says aloud what nobody may miss. */
  #happened(grant: string, recorded: readonly RecordedEvent<GrantEvent>[]): void {
    // What was recorded together of a union is one of its members.
    const events = recorded.map(({ type, data }) => ({ type, data }) as GrantEvent)
    this.metrics?.happened(events)
    for (const { type, data } of events) {
      if (type === 'RefreshInDoubt') this.#logger.warn({ grant, ...data }, 'a refresh is in doubt')
      if (type === 'ConsentRequired') this.#logger.warn({ grant, ...data }, 'a grant needs its user’s consent again')
    }
  }

  /** @throws DomainError `grant.superseded`; whatever else goes wrong only when the process must end */
  async #untilStored(attempt: Attempt, work: () => Promise<unknown>): Promise<void> {
    await untilStored(work, (err) => {
      if (isSuperseded(err)) return false
      this.#logger.error({ err, grant: attempt.guid, attempt: attempt.attempt }, 'new tokens are not stored yet')
      return !this.#end.signal.aborted
    })
  }

  /** Notes tokens that came too late, unless their end would be the end of those that the grant has now. */
  async #owe({ guid, attempt, row: begun, former, integration }: Attempt, answer: TokenResponse): Promise<void> {
    const row = await this.grants.forRefresh(guid)
    if (row && row.status !== 'revoked') {
      // RFC 7009 §2.1: with one token of a consent a provider may end them all, those in use here among them.
      if (row.obtainedAt.getTime() === begun.obtainedAt.getTime()) {
        this.#logger.warn({ grant: guid, attempt }, 'new tokens came too late and are forgotten')
        return
      }
      const stored = await this.#opened(row.refreshToken, guid, 'refresh_token', row.generation)
      const late = (answer.refreshToken ?? former).reveal()
      if (late === former.reveal() || late === stored?.reveal()) return
    }
    this.#logger.warn({ grant: guid, attempt }, 'new tokens came too late and are to be revoked')
    const { accessToken, refreshToken } = answer
    await transaction(this.pool, (client) =>
      oweRevocation(this.safe, client, attempt, integration, { accessToken, refreshToken }),
    )
  }
}

/**
 * Whether a grant may be refreshed now: it is free, or taken by somebody who is awaited, or there is nothing to do.
 * @param awaited the attempt that has been waited for: its failure counts however long ago it was
 */
function standingOf(
  row: RefreshRow | undefined,
  generation: number,
  pause: { readonly pauseMs: number; readonly settings: string },
  awaited?: string,
): 'free' | 'taken' | RefreshOutcome {
  if (!row || row.generation !== generation || row.status !== 'usable') return { kind: 'moved_on' }
  const { now, lease, failure, quietUntil } = row
  if (lease && lease.until > now) return 'taken'
  if (failure && (failure.attempt === awaited || now.getTime() - failure.at.getTime() < pauseAfter(failure, pause)))
    return { kind: 'failed', fate: failure.fate, error: failure.error }
  return quietUntil && quietUntil > now ? 'taken' : 'free'
}

/** What only an administrator can mend is tried ever more seldom until they have changed something. */
function pauseAfter(
  { fate, at, since, settings }: NonNullable<RefreshRow['failure']>,
  present: { readonly pauseMs: number; readonly settings: string },
): number {
  if (fate !== 'misconfigured' || settings === null) return present.pauseMs
  if (settings !== present.settings) return 0
  return Math.max(present.pauseMs, Math.min(LONGEST_PAUSE_MS, at.getTime() - since.getTime()))
}

/** Nothing else says that new tokens have no place: a safe that cannot take them now may be able to in a moment. */
const isSuperseded = (error: unknown): boolean => error instanceof DomainError && error.code === 'grant.superseded'

const isInvalidGrant = (error: unknown): boolean =>
  error instanceof TokenEndpointError && error.error === 'invalid_grant'

const contextOf = (commandId: string): CommandContext => ({
  actor: VAULT,
  commandId,
  correlationId: currentRequest()?.correlationId,
})
