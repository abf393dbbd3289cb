import { Pool } from 'pg'
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common'
import { DomainError, userContract, type Secret, type UserState } from '#libs/contracts'
import { sql, transaction, type SqlClient } from '#libs/event-sourcing'
import { Replicas } from '#libs/messaging'
import { Every } from '#libs/service'
import { isTampered, Safe, type Place } from '../safe/index.js'

const SWEEP_MS = 60_000

/** Person and session are part of the place, so that no other session's token can be put in this one's. */
const placeOf = (userGuid: string, sid: string): Place => ['login_token', userGuid, sid]

/**
 * The access tokens that logins at the organisation's own provider brought: they come from identity and go back to it,
 * for a search in the directory on behalf of whoever logged in. No content and no exchange ever has one. Table:
 * `login_token`; the tokens are in the safe, and are erased with the session, the person or their time.
 */
@Injectable()
export class LoginTokens implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #logger = new Logger(LoginTokens.name)
  readonly #every = new Every(
    SWEEP_MS,
    () => this.sweep(),
    (error) => this.#logger.warn({ err: error }, 'login tokens that are over could not be erased'),
  )

  constructor(
    private readonly pool: Pool,
    private readonly safe: Safe,
    private readonly replicas: Replicas,
  ) {
    replicas.of(userContract).onApplied(async (changes, client) => {
      await erase(
        client ?? pool,
        changes.map(({ guid }) => guid),
      )
    })
  }

  onApplicationBootstrap(): void {
    this.#every.start()
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#every.stop()
  }

  /**
   * Seals the token of a session, in the place of a former one.
   * @param expiresIn seconds
   * @throws DomainError `login_token.no_session` unless the session is alive; `replica.stale` when nobody can say so
   */
  async keep(userGuid: string, sid: string, accessToken: Secret, expiresIn: number): Promise<void> {
    // The login may be a moment ago: what the copy does not have yet is asked for, and in it from then on.
    const isAlive = holds(await this.#users.find(userGuid), sid) || holds(await this.#users.confirm(userGuid), sid)
    if (!isAlive) throw new DomainError('not_found', 'login_token.no_session', 'This session is over.')
    await transaction(this.pool, async (client) => {
      await client.query(sql`
        insert into login_token (user_guid, sid, expires_at)
        values (${userGuid}, ${sid}, clock_timestamp() + make_interval(secs => ${expiresIn}))
        on conflict (user_guid, sid) do update set expires_at = excluded.expires_at, sealed_at = clock_timestamp()`)
      await this.safe.put(client, placeOf(userGuid, sid), 0, accessToken)
    })
  }

  /**
   * The token of a session that is alive; `undefined` when there is none, or its time is over.
   * @throws DomainError `replica.stale` when nobody can say whether the session is alive; `safe.key_missing`
   */
  async open(userGuid: string, sid: string): Promise<Secret | undefined> {
    if (!holds(await this.#users.find(userGuid), sid)) return undefined
    const { rowCount } = await this.pool.query(sql`
      select from login_token
      where user_guid = ${userGuid} and sid = ${sid} and expires_at > clock_timestamp()`)
    if (!rowCount) return undefined
    try {
      return await this.safe.find(this.pool, placeOf(userGuid, sid), 0)
    } catch (error) {
      if (!isTampered(error)) throw error
      this.#logger.error({ user: userGuid }, 'a login token does not open')
      return undefined
    }
  }

  /** Erases what has outlived its time, its session or its person. Any number of processes may do it at once. */
  async sweep(): Promise<void> {
    await erase(this.pool)
  }

  get #users() {
    return this.replicas.of(userContract)
  }
}

const holds = (user: UserState | undefined, sid: string): boolean =>
  user?.locked === false &&
  user.sessions.some((session) => session.sid === sid && Date.parse(session.expires_at) > Date.now())

/** @param userGuids of these people only */
async function erase(client: SqlClient, userGuids?: readonly string[]): Promise<void> {
  const only = userGuids ?? null
  await client.query(sql`
    with over as (
      delete from login_token where (user_guid, sid) in (
        select user_guid, sid from login_token
        where (${only}::uuid[] is null or user_guid = any(${only}::uuid[])) and (
          expires_at <= clock_timestamp() or not exists (
            select from replica cross join lateral json_array_elements(state -> 'sessions') as session
            where kind = 'user' and guid = login_token.user_guid and not (state ->> 'locked')::boolean
              and session ->> 'sid' = login_token.sid
              and (session ->> 'expires_at')::timestamptz > clock_timestamp()
          )
        )
        for update skip locked
      )
      returning user_guid, sid
    )
    delete from safe using over where place = 'login_token/' || over.user_guid || '/' || over.sid`)
}
