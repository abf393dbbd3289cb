import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'pg'
import { Injectable, Logger } from '@nestjs/common'
import { integrationContract, type IntegrationState, type Secret } from '#libs/contracts'
import { sql, transaction, type SqlClient } from '#libs/event-sourcing'
import { Replicas, type Applied } from '#libs/messaging'
import { requestClientCredentials, TokenEndpointError, type TokenResponse } from '#libs/oauth'
import { ExchangeSettings } from '#libs/service'
import { ClientSecrets } from '../client-secret/client-secrets.js'
import { NotAskedError, ProviderCalls, tokenEndpointOf, type Ask } from '../provider/provider-calls.js'
import { within } from '../provider/within.js'
import { owe } from '../revocation/owed-revocations.js'
import { keepFormer } from '../revocation/revocations.js'
import { isTampered, placeName, Safe } from '../safe/index.js'
import { fingerprintOf, isAlive, isUsable, servicePlace, type ServiceTokenFacts } from './service-token.js'

const FIRST_POLL_MS = 25
const LONGEST_POLL_MS = 100
/** So long the answer to a failed attempt is the answer to whoever asks next. */
const PAUSE_AFTER_FAILURE_MS = 1_000

export type ServiceTokenOutcome =
  | {
      readonly kind: 'token'
      readonly accessToken: Secret
      readonly generation: number
      readonly expiresAt: Date | null
    }
  | { readonly kind: 'failed'; readonly fate: TokenEndpointError['fate']; readonly error: string | null }
  | { readonly kind: 'waited_in_vain' }

/** One attempt for all who ask here, as long as one of them is still there. */
interface Running {
  /** By the monotonic clock. */
  until: number
  outcome: Promise<ServiceTokenOutcome>
}

interface Row extends ServiceTokenFacts {
  readonly now: Date
  readonly leaseAttempt: string | null
  readonly leaseUntil: Date | null
  readonly failedAttempt: string | null
  readonly failedAt: Date | null
  readonly failedFate: TokenEndpointError['fate'] | null
  readonly failedError: string | null
  readonly envelope: Buffer | null
}

/**
 * Access tokens of service accounts, kept sealed as long as they are good: one request at a time goes to the provider,
 * however many ask in however many processes. Table: `service_token`; the tokens are in the safe.
 * @see RFC 6749 §4.4
 */
@Injectable()
export class ServiceAccountTokens {
  readonly #logger = new Logger(ServiceAccountTokens.name)
  readonly #running = new Map<string, Running>()

  constructor(
    private readonly pool: Pool,
    private readonly safe: Safe,
    private readonly secrets: ClientSecrets,
    private readonly calls: ProviderCalls,
    private readonly settings: ExchangeSettings,
    replicas: Replicas,
  ) {
    replicas.of(integrationContract).onApplied(async (changes, client) => {
      for (const change of changes) await this.#changed(client ?? pool, change)
    })
  }

  /**
   * A token that is good for a while: the one at hand, one that another process is getting, or a new one. Nobody waits
   * longer than `RefreshWait`; the attempt goes on.
   */
  async obtain(integration: IntegrationState): Promise<ServiceTokenOutcome> {
    const waitMs = this.settings.refreshWaitMs
    const fingerprint = fingerprintOf(integration)
    const name = `${integration.guid} ${fingerprint}`
    const running = this.#running.get(name) ?? this.#start(name, integration, fingerprint)
    running.until = performance.now() + waitMs
    return await within(waitMs, running.outcome, { kind: 'waited_in_vain' })
  }

  #start(name: string, integration: IntegrationState, fingerprint: string): Running {
    const running = { until: performance.now() + this.settings.refreshWaitMs } as Running
    running.outcome = this.#obtain(integration, fingerprint, running)
      .then(async (outcome) => (await this.#whatIsLeft(integration.guid, fingerprint, outcome)) ?? outcome)
      .finally(() => this.#running.delete(name))
    // Everybody may have gone away by the time it fails.
    running.outcome.catch(() => undefined)
    this.#running.set(name, running)
    return running
  }

  async #obtain(
    integration: IntegrationState,
    fingerprint: string,
    wanted: { readonly until: number },
  ): Promise<ServiceTokenOutcome> {
    const { guid } = integration
    let pause = FIRST_POLL_MS
    let awaited: string | undefined
    while (performance.now() < wanted.until) {
      const row = await this.#find(guid)
      if (row && isUsable(row, fingerprint, row.now)) {
        const token = await this.#open(guid, row)
        if (token) return token
      }
      if (row?.leaseUntil && row.leaseUntil > row.now) {
        awaited = row.leaseAttempt ?? undefined
        await delay(pause)
        pause = Math.min(pause * 1.5, LONGEST_POLL_MS)
        continue
      }
      if (row?.failedAt && row.fingerprint === fingerprint) {
        const isRecent = row.now.getTime() - row.failedAt.getTime() < PAUSE_AFTER_FAILURE_MS
        if (row.failedAttempt === awaited || isRecent)
          return { kind: 'failed', fate: row.failedFate ?? 'retry', error: row.failedError }
      }
      const outcome = await this.#visit(integration, fingerprint, wanted.until - performance.now())
      if (outcome) return outcome
      if (!(await this.#find(guid))) break
    }
    return { kind: 'waited_in_vain' }
  }

  /** A token that ends soon outlives a failure. */
  async #whatIsLeft(
    guid: string,
    fingerprint: string,
    { kind }: ServiceTokenOutcome,
  ): Promise<ServiceTokenOutcome | undefined> {
    if (kind === 'token') return undefined
    const row = await this.#find(guid)
    return row && isAlive(row, fingerprint, row.now) ? await this.#open(guid, row) : undefined
  }

  async #open(guid: string, { envelope, generation, expiresAt }: Row): Promise<ServiceTokenOutcome | undefined> {
    if (!envelope) return undefined
    try {
      const accessToken = await this.safe.openEnvelope(envelope, servicePlace(guid), generation)
      return { kind: 'token', accessToken, generation, expiresAt }
    } catch (error) {
      // The safe has said so to the log; the provider gives another.
      if (isTampered(error)) return undefined
      throw error
    }
  }

  /** @returns `undefined` when somebody else was first, or the integration is gone */
  async #visit(
    integration: IntegrationState,
    fingerprint: string,
    waitMs: number,
  ): Promise<ServiceTokenOutcome | undefined> {
    try {
      return await this.calls.visit(
        tokenEndpointOf(integration),
        async (ask) => {
          const attempt = randomUUID()
          const begunAt = await this.#begin(integration.guid, fingerprint, attempt)
          return begunAt && (await this.#ask(integration, attempt, begunAt, ask))
        },
        waitMs,
      )
    } catch (error) {
      if (error instanceof NotAskedError) return { kind: 'failed', fate: 'retry', error: null }
      throw error
    }
  }

  async #find(guid: string): Promise<Row | undefined> {
    const { rows } = await this.pool.query<Row>(sql`
      select clock_timestamp() as now, fingerprint, service_token.generation, obtained_at as "obtainedAt",
        expires_at as "expiresAt", lease_attempt as "leaseAttempt", lease_until as "leaseUntil",
        failed_attempt as "failedAttempt", failed_at as "failedAt", failed_fate as "failedFate",
        failed_error as "failedError", envelope
      from service_token left join safe on place = ${placeName(servicePlace(guid))}
        and safe.generation = service_token.generation
      where integration_guid = ${guid}`)
    return rows[0]
  }

  /** @returns the database's time when the lease is ours; nothing is begun again for what is deleted */
  async #begin(guid: string, fingerprint: string, attempt: string): Promise<Date | undefined> {
    const seconds = this.settings.refreshLeaseMs / 1000
    const { rows } = await this.pool.query<{ now: Date }>(sql`
      insert into service_token (integration_guid, fingerprint, generation, lease_attempt, lease_until)
      select guid, ${fingerprint}, 0, ${attempt}, clock_timestamp() + make_interval(secs => ${seconds})
      from replica where kind = 'integration' and guid = ${guid} and state is not null
      on conflict (integration_guid) do update set fingerprint = excluded.fingerprint,
        lease_attempt = excluded.lease_attempt, lease_until = excluded.lease_until,
        obtained_at = case when service_token.fingerprint = excluded.fingerprint then service_token.obtained_at end,
        failed_attempt = null, failed_at = null, failed_fate = null, failed_error = null
      where service_token.lease_until is null or service_token.lease_until <= clock_timestamp()
      returning clock_timestamp() as now`)
    return rows[0]?.now
  }

  /** Holds the lease and no connection to the database. */
  async #ask(integration: IntegrationState, attempt: string, begunAt: Date, ask: Ask): Promise<ServiceTokenOutcome> {
    const { guid } = integration
    let answer: TokenResponse
    try {
      const provider = await this.secrets.providerOf(integration)
      const deadlineMs = this.settings.tokenRequestTimeoutMs
      answer = await ask((outbound) => requestClientCredentials(outbound, provider, { deadlineMs }))
    } catch (thrown) {
      return await this.#failed(guid, attempt, thrown)
    }
    const { accessToken, expiresIn } = answer
    // From before the request was sent: rather too early than too late.
    const expiresAt = expiresIn === undefined ? null : new Date(begunAt.getTime() + expiresIn * 1000)
    const generation = await this.#keep(guid, attempt, begunAt, accessToken, expiresAt)
    return { kind: 'token', accessToken, generation, expiresAt }
  }

  /** @returns its generation; 0 when somebody else has taken over, or the integration is gone: it is not kept then */
  #keep(guid: string, attempt: string, obtainedAt: Date, token: Secret, expiresAt: Date | null): Promise<number> {
    return transaction(this.pool, async (client) => {
      const { rows } = await client.query<{ generation: number }>(sql`
        update service_token set generation = generation + 1, obtained_at = ${obtainedAt}, expires_at = ${expiresAt},
          lease_attempt = null, lease_until = null
        where integration_guid = ${guid} and lease_attempt = ${attempt}
        returning generation`)
      const generation = rows[0]?.generation
      if (generation === undefined) return 0
      await this.safe.put(client, servicePlace(guid), generation, token)
      await this.safe.destroy(client, servicePlace(guid), { before: generation })
      return generation
    })
  }

  async #failed(guid: string, attempt: string, thrown: unknown): Promise<ServiceTokenOutcome> {
    const known = thrown instanceof TokenEndpointError
    const fate = known ? thrown.fate : 'retry'
    const error = known ? (thrown.error ?? null) : null
    this.#logger.warn({ err: thrown, integration: guid, fate }, 'a service account got no token')
    await this.pool.query(sql`
      update service_token set lease_attempt = null, lease_until = null, failed_attempt = ${attempt},
        failed_at = clock_timestamp(), failed_fate = ${fate}, failed_error = ${error}
      where integration_guid = ${guid} and lease_attempt = ${attempt}`)
    return { kind: 'failed', fate, error }
  }

  /**
   * Ends what was got with former settings. The provider is told, if it is still the one that gave the token: no other
   * is to see it.
   */
  async #changed(client: SqlClient, { guid, before, after }: Applied<IntegrationState>): Promise<void> {
    const { rows } = await client.query<{ generation: number; fingerprint: string }>(sql`
      delete from service_token where integration_guid = ${guid}
        and fingerprint is distinct from ${after && fingerprintOf(after)}
      returning generation, fingerprint`)
    const [row] = rows
    if (!row) return
    const mayBeTold =
      before?.authorization_server?.revocation_endpoint &&
      row.fingerprint === fingerprintOf(before) &&
      (!after || isSameClient(before, after))
    const token = mayBeTold && row.generation > 0 ? await this.#stored(client, guid, row.generation) : undefined
    if (before && token) {
      await owe(this.safe, client, randomUUID(), { integration: before, hint: 'access_token', token })
      if (!after) await keepFormer(client, guid, before)
    }
    await this.safe.destroy(client, servicePlace(guid))
  }

  async #stored(client: SqlClient, guid: string, generation: number): Promise<Secret | undefined> {
    try {
      return await this.safe.open(client, servicePlace(guid), generation)
    } catch (err) {
      // A change that is not followed would be worse than a provider that is not told.
      this.#logger.error({ err, integration: guid }, 'a token does not open: its provider cannot be told of its end')
      return undefined
    }
  }
}

const isSameClient = (before: IntegrationState, after: IntegrationState): boolean =>
  JSON.stringify(before.authorization_server) === JSON.stringify(after.authorization_server) &&
  before.client?.client_id === after.client?.client_id
