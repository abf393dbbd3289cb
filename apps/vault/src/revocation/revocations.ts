import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'pg'
import {
  Injectable,
  Logger,
  Optional,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common'
import { Gauge } from 'prom-client'
import { DomainError, integrationContract, type IntegrationState } from '#libs/contracts'
import { sql, transaction, type SqlClient } from '#libs/event-sourcing'
import { Replicas, type Applied } from '#libs/messaging'
import { revokeToken, TokenEndpointError } from '#libs/oauth'
import { ExchangeSettings, Metrics } from '#libs/service'
import { ClientSecrets } from '../client-secret/client-secrets.js'
import { clientFingerprint, stateOf } from '../provider/client-fingerprint.js'
import { NotAskedError, ProviderCalls } from '../provider/provider-calls.js'
import { Safe } from '../safe/index.js'
import { owedPlace, REVOKE_UPSTREAM, type OwedRevocation } from './owed-revocations.js'

const POLL_MS = 2_000
/** How many providers one process tells at a time, each of one token, so that a slow one keeps no other waiting. */
const AT_A_TIME = 4
/** How long a process has for one before another takes it up, beside the time that the provider has. */
const STORE_WITHIN_MS = 5_000
/** As long as a client secret is kept that has been replaced. */
const FORMER_SECONDS = 3_600
const LONGEST_PAUSE_SECONDS = 3_600
/** The provider's words for: it is over already. */
const OVER: readonly (string | undefined)[] = ['invalid_token', 'invalid_grant']

/** A revocation that a provider still has to hear of. */
export interface PendingRevocation {
  readonly guid: string
  readonly integrationGuid: string
  /** `null` for a token that came too late to belong to anybody's session. */
  readonly userGuid: string | null
  readonly attempts: number
  readonly lastError: string | null
  readonly since: Date
  readonly nextAttempt: Date
}

interface Due {
  key: string
  data: OwedRevocation
  attempts: number
}

/**
 * Tells providers of tokens that are no longer wanted: soon after they ended here, and again with growing pauses of at
 * most an hour until the provider has heard it or an administrator gives it up.
 * @see RFC 7009
 */
@Injectable()
export class Revocations implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #logger = new Logger(Revocations.name)
  readonly #stop = new AbortController()
  #rest = new AbortController()
  #running: Promise<unknown> = Promise.resolve()
  /** Integrations whose provider is being told of something. */
  readonly #busy = new Set<string>()
  #taking: Promise<Due | undefined> = Promise.resolve(undefined)

  constructor(
    private readonly pool: Pool,
    private readonly safe: Safe,
    private readonly secrets: ClientSecrets,
    private readonly calls: ProviderCalls,
    private readonly settings: ExchangeSettings,
    replicas: Replicas,
    @Optional() metrics?: Metrics,
  ) {
    replicas.of(integrationContract).onApplied(async (changes, client) => {
      if (client) for (const change of changes) await keepIfFormer(client, change)
    })
    if (metrics)
      new Gauge({
        name: 'keybearer_revocations_pending',
        help: 'Tokens that have ended here and of whose end their providers have not heard.',
        registers: [metrics.registry],
        async collect() {
          // What else is measured is of use most when the database is away.
          const found = await pool
            .query<{ count: number }>(sql`select count(*)::int as count from todo where kind = ${REVOKE_UPSTREAM}`)
            .catch(() => undefined)
          this.set(found?.rows[0]?.count ?? Number.NaN)
        },
      })
  }

  onApplicationBootstrap(): void {
    this.#running = Promise.all(Array.from({ length: AT_A_TIME }, () => this.#run()))
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stop.abort()
    this.wake()
    await this.#running
  }

  /** There may be something to do. */
  wake(): void {
    this.#rest.abort()
    this.#rest = new AbortController()
  }

  /**
   * Does what is due.
   * @returns how many providers have heard
   */
  async work(): Promise<number> {
    const done = await Promise.all(Array.from({ length: AT_A_TIME }, () => this.#work()))
    return done.reduce((all, one) => all + one)
  }

  /** Oldest first, at most 500. */
  async pending(): Promise<PendingRevocation[]> {
    const { rows } = await this.pool.query<PendingRevocation>(sql`
      select key as guid, data ->> 'integration_guid' as "integrationGuid", data ->> 'user_guid' as "userGuid", attempts,
        last_error as "lastError", enqueued_at as since, due_at as "nextAttempt"
      from todo where kind = ${REVOKE_UPSTREAM} order by enqueued_at, key limit 500`)
    return rows
  }

  /**
   * Gives one up: its token is destroyed, and lives on at the provider for as long as the provider says.
   * @throws DomainError `object.not_found`
   */
  async giveUp(key: string): Promise<void> {
    if (!(await this.#forget(key))) throw notPending()
    this.#logger.warn({ revocation: key }, 'an administrator has given up a revocation')
  }

  /** One after the other, until nothing is due of a provider that nobody here talks to. */
  async #work(): Promise<number> {
    let done = 0
    for (let due = await this.#take(); due && !this.#stop.signal.aborted; due = await this.#take()) {
      try {
        if (await this.#tell(due)) done++
      } finally {
        this.#busy.delete(due.data.integration_guid)
      }
    }
    return done
  }

  /** In turn, so that two do not take of the same provider. */
  #take(): Promise<Due | undefined> {
    const next = async (): Promise<Due | undefined> => {
      const due = await this.#takeOne()
      if (due) this.#busy.add(due.data.integration_guid)
      return due
    }
    return (this.#taking = this.#taking.then(next, next))
  }

  async #takeOne(): Promise<Due | undefined> {
    const lease = (this.settings.tokenRequestTimeoutMs + STORE_WITHIN_MS) / 1000
    const { rows } = await this.pool.query<Due>(sql`
      update todo set due_at = clock_timestamp() + make_interval(secs => ${lease}), attempts = attempts + 1
      where (kind, key) = (
        select kind, key from todo where kind = ${REVOKE_UPSTREAM} and due_at <= clock_timestamp()
          and data ->> 'integration_guid' <> all(${[...this.#busy]}::text[])
        order by due_at limit 1 for update skip locked
      )
      returning key, data, attempts`)
    return rows[0]
  }

  /** @returns whether it is done with */
  async #tell({ key, data, attempts }: Due): Promise<boolean> {
    try {
      const integration = await this.#integration(data)
      const heard = integration && (await this.#revoke(key, integration, data))
      if (!heard) this.#logger.warn({ revocation: key }, 'nobody can be told of the end of a token')
    } catch (error) {
      if (error instanceof NotAskedError) {
        await this.#putOff(key, data.integration_guid, error)
        return false
      }
      if (!(error instanceof TokenEndpointError && OVER.includes(error.error))) {
        await this.#postpone(key, attempts, error)
        return false
      }
    }
    await this.#forget(key)
    return true
  }

  async #revoke(key: string, integration: IntegrationState, { token_type_hint }: OwedRevocation): Promise<boolean> {
    const { guid, authorization_server, client } = integration
    if (!authorization_server?.revocation_endpoint || !client) return false
    const token = await this.safe.find(this.pool, owedPlace(key), 0)
    if (!token) return false
    const provider = await this.secrets.providerOf(integration)
    const deadlineMs = this.settings.tokenRequestTimeoutMs
    // An endpoint of its own: what becomes of revocations is no exchange's matter.
    const endpoint = { integrationGuid: guid, url: authorization_server.revocation_endpoint }
    return await this.calls.visit(endpoint, (ask) =>
      ask((outbound) => revokeToken(outbound, provider, token, token_type_hint, { deadlineMs })),
    )
  }

  /** Everything that its provider is to hear waits with it, and none of it counts as tried. */
  async #putOff(key: string, integrationGuid: string, { reason, retryAfterSeconds = 0 }: NotAskedError): Promise<void> {
    await this.pool.query(sql`
      update todo set due_at = clock_timestamp() + make_interval(secs => ${Math.max(1, retryAfterSeconds)}),
        attempts = attempts - (key = ${key})::int, last_error = coalesce(last_error, ${reason})
      where (kind, key) in (
        select kind, key from todo
        where kind = ${REVOKE_UPSTREAM} and data ->> 'integration_guid' = ${integrationGuid}
          and (key = ${key} or due_at <= clock_timestamp())
        for update skip locked)`)
  }

  async #postpone(key: string, attempts: number, error: unknown): Promise<void> {
    const known = error instanceof TokenEndpointError
    const text = known ? (error.error ?? error.reason) : error instanceof DomainError ? error.code : 'internal'
    const backOff = Math.min(LONGEST_PAUSE_SECONDS, 2 ** Math.min(attempts, 20))
    const seconds = Math.max(backOff * (0.75 + Math.random() / 2), (known && error.retryAfterSeconds) || 0)
    this.#logger.warn({ err: error, revocation: key, attempts }, 'a provider has not heard of the end of a token yet')
    await this.pool.query(sql`
      update todo set due_at = clock_timestamp() + make_interval(secs => ${seconds}), last_error = ${text}
      where kind = ${REVOKE_UPSTREAM} and key = ${key} and attempts = ${attempts}`)
  }

  async #forget(key: string): Promise<boolean> {
    return await transaction(this.pool, async (client) => {
      await this.safe.destroy(client, owedPlace(key))
      const { rowCount } = await client.query(sql`
        delete from todo where kind = ${REVOKE_UPSTREAM} and key = ${key}`)
      return rowCount === 1
    })
  }

  /** The integration as it was when it got the token. */
  async #integration({ integration_guid: guid, client }: OwedRevocation): Promise<IntegrationState | undefined> {
    const { rows } = await this.pool.query<{ state: IntegrationState | null }>(sql`
      select state from replica where kind = 'integration' and guid = ${guid}
      union all
      select state from former_integration where guid = ${guid} and client = ${client}`)
    return stateOf(client, ...rows.map(({ state }) => state))
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const { signal } = this.#rest
      await this.#work().catch((error: unknown) =>
        this.#logger.warn({ err: error }, 'what providers are to hear cannot be read; it is tried again'),
      )
      if (!this.#stop.signal.aborted) await delay(POLL_MS, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }
}

/** Keeps what a revocation needs of an integration that is deleted, or has become another client or has another provider. */
async function keepIfFormer(client: SqlClient, { guid, before, after }: Applied<IntegrationState>): Promise<void> {
  const present = after && clientFingerprint(after)
  if (before && clientFingerprint(before) !== present) await keepFormer(client, guid, before)
  if (present !== null)
    await client.query(sql`delete from former_integration where guid = ${guid} and client = ${present}`)
}

/** Its published state is gone with the change. No secret is in it. */
export async function keepFormer(client: SqlClient, guid: string, state: IntegrationState): Promise<void> {
  await client.query(sql`
    insert into former_integration (guid, client, state)
    values (${guid}, ${clientFingerprint(state)}, ${JSON.stringify(state)})
    on conflict (guid, client) do update set state = excluded.state, deleted_at = clock_timestamp()`)
}

/**
 * Forgets former integrations of which nothing is to be told any more; after a while, since a consent or a refresh may
 * be under way that began before.
 */
export async function forgetFormer(client: SqlClient, afterSeconds = FORMER_SECONDS): Promise<void> {
  await client.query(sql`
    delete from former_integration
    where deleted_at <= clock_timestamp() - make_interval(secs => ${afterSeconds})
      and not exists (
        select from oauth_grant where integration_guid = former_integration.guid
          and oauth_grant.client = former_integration.client and status <> 'revoked')
      and not exists (
        select from todo where kind = ${REVOKE_UPSTREAM} and data ->> 'integration_guid' = former_integration.guid::text
          and data ->> 'client' = former_integration.client)`)
}

const notPending = (): DomainError =>
  new DomainError('not_found', 'object.not_found', 'This revocation is not pending: perhaps it has been carried out.')
