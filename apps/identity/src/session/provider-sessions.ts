import { createHmac } from 'node:crypto'
import type { Pool } from 'pg'
import type { Secret } from '#libs/contracts'
import { sql, type SqlClient } from '#libs/event-sourcing'
import type { LogoutToken } from '../login/open-id-provider.js'
import type { VerifiedLogin } from '../login/verified-login.js'

/** A browser session, and whose it is. */
export interface HeldSession {
  readonly userGuid: string
  readonly sid: string
}

/** Which of our sessions came from which login at the provider. Hashes only: nobody's subject is stored here. */
export class ProviderSessions {
  constructor(
    private readonly pool: Pick<Pool, 'query'>,
    private readonly key: Secret,
  ) {}

  /** To be called inside the append that begins the session: without a row the provider could not end it. */
  async begun(
    client: SqlClient,
    sid: string,
    { issuer, claims }: Pick<VerifiedLogin, 'issuer' | 'claims'>,
  ): Promise<void> {
    const providerSid = claims['sid']
    const sidHash = typeof providerSid === 'string' ? this.#hash('sid', issuer, providerSid) : null
    await client.query(sql`
      with used as (
        insert into session_use (sid, used_at) values (${sid}, now()) on conflict (sid) do nothing
      )
      insert into provider_session (sid, subject_hash, provider_sid_hash)
      values (${sid}, ${this.#hash('sub', issuer, String(claims['sub']))}, ${sidHash})`)
  }

  /** The sessions that a logout token is about: of its `sid` and, where it names one, its subject. */
  async of({ issuer, subject, sid }: LogoutToken): Promise<HeldSession[]> {
    const sidHash = sid === undefined ? null : this.#hash('sid', issuer, sid)
    const subjectHash = subject === undefined ? null : this.#hash('sub', issuer, subject)
    const { rows } = await this.pool.query<HeldSession>(sql`
      select user_guid as "userGuid", sid from provider_session join session using (sid)
      where (${sidHash}::bytea is null or provider_sid_hash = ${sidHash})
        and (${subjectHash}::bytea is null or subject_hash = ${subjectHash})`)
    return rows
  }

  async isUsed(token: LogoutToken): Promise<boolean> {
    const { rowCount } = await this.pool.query(sql`
      select from used_logout_token where jti_hash = ${this.#hash('jti', token.issuer, token.jti)}`)
    return rowCount !== 0
  }

  async use(token: LogoutToken): Promise<void> {
    await this.pool.query(sql`
      insert into used_logout_token (jti_hash, refused_from)
      values (${this.#hash('jti', token.issuer, token.jti)}, ${token.refusedFrom}) on conflict do nothing`)
  }

  /** Removes what belongs to sessions that have ended, and logout tokens that are too old to be used again. */
  async forget(): Promise<void> {
    await this.pool.query(sql`
      with gone as (
        delete from session_use where not exists (select from session where session.sid = session_use.sid)
      ), over as (
        delete from used_logout_token where refused_from < now()
      )
      delete from provider_session where not exists (select from session where session.sid = provider_session.sid)`)
  }

  #hash(what: string, issuer: string, value: string): Buffer {
    return createHmac('sha256', this.key.reveal())
      .update(JSON.stringify([what, issuer, value]))
      .digest()
  }
}
