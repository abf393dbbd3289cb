import { createHash, randomUUID } from 'node:crypto'
import { Pool } from 'pg'
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common'
import type { Secret } from '#libs/contracts'
import { sql, transaction, type SqlClient } from '#libs/event-sourcing'
import { Every } from '#libs/service'
import { Safe, type Place } from '../safe/index.js'

const LIFETIME_SECONDS = 600
/** How long what is over is remembered, in seconds: whoever comes back then hears why it does not count. */
const REMEMBERED_SECONDS = 1_200
const MOST_PER_SESSION = 10
const SWEEP_MS = 60_000
const PAGE = 100

const verifierPlace = (guid: string): Place => ['consent_request', guid, 'code_verifier']
const hashOf = (state: string): Buffer => createHash('sha256').update(state).digest()

/** The browser session that was sent away, and nobody else, may come back. */
export interface BrowserSession {
  readonly userGuid: string
  readonly sid: string
}

export interface NewConsentRequest extends BrowserSession {
  readonly integrationGuid: string
  /** Of the integration's stream, as the browser was sent away. */
  readonly integrationVersion: number
  /** A path of our own. */
  readonly returnTo: string
  /** Whether another account at the provider may take the place of the former one. */
  readonly relink: boolean
  readonly state: string
  readonly codeVerifier: Secret
}

/** Where a request leads. */
export interface Errand {
  readonly integrationGuid: string
  readonly returnTo: string
}

export interface ConsentRequest extends Errand {
  readonly guid: string
  readonly integrationVersion: number
  readonly relink: boolean
  readonly codeVerifier: Secret
  readonly expired: boolean
  /** The database's clock. */
  readonly now: Date
}

/** A request that cannot be taken, and why: it is another session's or user's, or has been taken. */
export interface Untaken extends Errand {
  readonly userGuid: string
  readonly sid: string
  readonly taken: boolean
}

/** Browsers that are away at a provider. Table: `consent_request`; code verifiers are in the safe. */
@Injectable()
export class ConsentRequests implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #logger = new Logger(ConsentRequests.name)
  readonly #every = new Every(
    SWEEP_MS,
    () => this.sweep(),
    (error) => this.#logger.warn({ err: error }, 'consents that are over could not be forgotten'),
  )

  constructor(
    private readonly pool: Pool,
    private readonly safe: Safe,
  ) {}

  onApplicationBootstrap(): void {
    this.#every.start()
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#every.stop()
  }

  /** Keeps a request for ten minutes; a session has at most ten, beyond which the oldest goes. */
  async begin(request: NewConsentRequest): Promise<void> {
    const guid = randomUUID()
    await transaction(this.pool, async (client) => {
      await this.#makeRoom(client, request.sid)
      await client.query(sql`
        insert into consent_request (guid, state_hash, sid, user_guid, integration_guid, integration_version, return_to,
          relink, expires_at)
        values (${guid}, ${hashOf(request.state)}, ${request.sid}, ${request.userGuid}, ${request.integrationGuid},
          ${request.integrationVersion}, ${request.returnTo}, ${request.relink}, clock_timestamp() + make_interval(secs => ${LIFETIME_SECONDS}))`)
      await this.safe.put(client, verifierPlace(guid), 0, request.codeVerifier)
    })
  }

  /**
   * Takes the request with this state, if it is of this session and has not been taken: whoever comes second gets nothing.
   * @returns `undefined` when there is none for this session
   */
  async take(state: string, { userGuid, sid }: BrowserSession): Promise<ConsentRequest | undefined> {
    return await transaction(this.pool, async (client) => {
      const { rows } = await client.query<Omit<ConsentRequest, 'codeVerifier'>>(sql`
        update consent_request set taken_at = clock_timestamp()
        where state_hash = ${hashOf(state)} and sid = ${sid} and user_guid = ${userGuid} and taken_at is null
        returning guid, integration_guid as "integrationGuid", integration_version as "integrationVersion",
          return_to as "returnTo", relink, clock_timestamp() as now, expires_at <= clock_timestamp() as expired`)
      const [row] = rows
      if (!row) return undefined
      const place = verifierPlace(row.guid)
      const codeVerifier = await this.safe.open(client, place, 0)
      await this.safe.destroy(client, place)
      return { ...row, codeVerifier }
    })
  }

  /** What there is to say to whoever came with this state and could not take its request. */
  async untaken(state: string): Promise<Untaken | undefined> {
    const { rows } = await this.pool.query<Untaken>(sql`
      select user_guid as "userGuid", sid, integration_guid as "integrationGuid", return_to as "returnTo",
        taken_at is not null as taken
      from consent_request where state_hash = ${hashOf(state)}`)
    return rows[0]
  }

  /** Forgets what somebody has begun, and destroys its secrets. */
  async forget(client: SqlClient, userGuid: string): Promise<void> {
    const { rows } = await client.query<{ guid: string }>(sql`
      delete from consent_request where user_guid = ${userGuid} returning guid`)
    for (const { guid } of rows) await this.safe.destroy(client, verifierPlace(guid))
  }

  /**
   * Forgets what nobody comes back for, and destroys its secrets. Any number of processes may do it at once.
   * @returns how many requests are forgotten
   */
  async sweep(): Promise<number> {
    for (let all = 0; ;) {
      const forgotten = await transaction(this.pool, async (client) => {
        const { rows } = await client.query<{ guid: string }>(sql`
          delete from consent_request where guid in (
            select guid from consent_request
            where expires_at <= clock_timestamp() - make_interval(secs => ${REMEMBERED_SECONDS})
            order by expires_at limit ${PAGE} for update skip locked
          ) returning guid`)
        for (const { guid } of rows) await this.safe.destroy(client, verifierPlace(guid))
        return rows.length
      })
      all += forgotten
      if (forgotten < PAGE) return all
    }
  }

  async #makeRoom(client: SqlClient, sid: string): Promise<void> {
    // Two starts of one session at once would each see the other's row missing and exceed the cap.
    await client.query(sql`select pg_advisory_xact_lock(hashtextextended(${sid}, 0))`)
    const { rows } = await client.query<{ guid: string }>(sql`
      delete from consent_request
      where guid in (
        select guid from consent_request where sid = ${sid}
        order by created_at desc offset ${MOST_PER_SESSION - 1}
      )
      returning guid`)
    for (const { guid } of rows) await this.safe.destroy(client, verifierPlace(guid))
  }
}
