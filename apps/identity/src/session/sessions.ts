import { randomUUID } from 'node:crypto'
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common'
import { DataSource } from 'typeorm'
import { ACTOR_ASSERTION_SECONDS, type Actor, type Role } from '#libs/contracts'
import { poolOf, sql, Streams } from '#libs/event-sourcing'
import { AuthenticationSettings, currentRequest, Every } from '#libs/service'
import type { SessionEndReason } from '../user/user.events.js'
import { userStream } from '../user/user.stream.js'
import { ProviderSessions, type HeldSession } from './provider-sessions.js'

const SWEEP_MS = 60_000
/** The last use is written about once a minute: gateways ask anew as often. */
const WRITTEN_EVERY_SECONDS = 50
/**
 * So much may lie between what is written of the last use and the use itself: an assertion that was asked for just before
 * the next writing, and used until its end. Nobody's session ends sooner after its use than the settings say.
 */
const UNSEEN_USE_SECONDS = WRITTEN_EVERY_SECONDS + ACTOR_ASSERTION_SECONDS
const MOST_A_SWEEP = 1000

/** Somebody's session that is alive. */
export interface LiveSession {
  readonly guid: string
  readonly role: Role
  readonly expiresAt: Date
}

interface SessionRow extends LiveSession {
  readonly idle: boolean
}

/** Browser sessions while they last, and their ends. */
@Injectable()
export class Sessions implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #logger = new Logger(Sessions.name)
  readonly #every = new Every(
    SWEEP_MS,
    () => this.sweep(),
    (error) => this.#logger.warn({ err: error }, 'sessions that are over could not be ended'),
  )
  #stopping = false

  constructor(
    private readonly streams: Streams,
    private readonly dataSource: DataSource,
    private readonly providers: ProviderSessions,
    private readonly settings: AuthenticationSettings,
  ) {}

  onApplicationBootstrap(): void {
    this.#every.start()
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stopping = true
    await this.#every.stop()
  }

  /**
   * The person behind a session that is alive: not ended, not over, its person not locked, and not unused for too long,
   * which ends it. That somebody asks is its use.
   */
  async use(sid: string): Promise<LiveSession | undefined> {
    const limit = this.#idleSeconds
    const { rows } = await poolOf(this.dataSource).query<SessionRow>(sql`
      with found as (
        select person.guid, person.role, session.expires_at, used_at,
          ${limit}::int is not null and used_at <= now() - make_interval(secs => ${limit}::int) as idle
        from session join person on person.guid = session.user_guid left join session_use using (sid)
        where session.sid = ${sid} and session.expires_at > now() and not person.locked
      ), used as (
        insert into session_use (sid, used_at) select ${sid}, now() from found
        where idle is not true
          and (used_at is null or used_at <= now() - make_interval(secs => ${WRITTEN_EVERY_SECONDS}))
        on conflict (sid) do update set used_at = excluded.used_at
      )
      select guid, role, expires_at as "expiresAt", coalesce(idle, false) as idle from found`)
    const [row] = rows
    if (!row?.idle) return row
    await this.end({ userGuid: row.guid, sid }, 'inactive')
    return undefined
  }

  /** Ends a session; one that is no more is left as it is. */
  async end({ userGuid, sid }: HeldSession, reason: SessionEndReason, actor: Actor = HOUSEKEEPING): Promise<void> {
    const context = { actor, commandId: randomUUID(), correlationId: currentRequest()?.correlationId }
    await this.streams.handle(userStream, userGuid, { type: 'EndSession', sid, reason }, context)
  }

  /** Ends what has run out or was not used for too long, whether anybody asks or not. Several replicas may do it at once. */
  async sweep(): Promise<void> {
    const limit = this.#idleSeconds
    const pool = poolOf(this.dataSource)
    if (limit !== null) {
      // The use of a session whose login was cut short, or is older than the setting, is counted from now.
      await pool.query(sql`
        insert into session_use (sid, used_at)
        select sid, now() from session where not exists (select from session_use where session_use.sid = session.sid)
        on conflict do nothing`)
    }
    const { rows } = await pool.query<HeldSession & { expired: boolean }>(sql`
      select user_guid as "userGuid", sid, expires_at <= now() as expired
      from session left join session_use using (sid)
      where expires_at <= now()
        or (${limit}::int is not null and used_at <= now() - make_interval(secs => ${limit}::int))
      limit ${MOST_A_SWEEP}`)
    for (const session of rows) {
      if (this.#stopping) return
      await this.end(session, session.expired ? 'expired' : 'inactive')
    }
    await this.providers.forget()
  }

  /** `null`: no limit. */
  get #idleSeconds(): number | null {
    const { inactivityMs } = this.settings
    return inactivityMs === 0 ? null : Math.ceil(inactivityMs / 1000) + UNSEEN_USE_SECONDS
  }
}

const HOUSEKEEPING: Actor = { type: 'service', name: 'identity' }
