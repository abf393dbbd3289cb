import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Pool } from 'pg'
import { Secret } from '#libs/contracts'
import { sql } from '#libs/event-sourcing'

/** How long somebody may stay at the provider, in seconds. */
export const PENDING_SECONDS = 600

/** Anybody may begin logins: so many of one browser are kept, and about so many of all. The oldest go. */
const MOST_OF_A_BROWSER = 10
const MOST = 10_000

/** One browser's way to the provider and back. */
export interface LoginAttempt {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: Secret
}

/**
 * Logins that are at the provider; any number at a time, each good for one return. Neither state, verifier nor nonce is
 * stored: the row has the state's hash, and the other two are HMACs of the state under identity's own key.
 */
export class PendingLogins {
  #begun = 0

  constructor(
    private readonly pool: Pick<Pool, 'query'>,
    private readonly key: Secret,
    private readonly most = MOST,
  ) {}

  /** @param browser the random text that binds the login to one browser */
  async begin(browser: string, returnTo: string): Promise<LoginAttempt> {
    const state = randomBytes(32).toString('base64url')
    // To count them all each time would cost more than what it protects from.
    if (this.#begun++ % Math.ceil(this.most / 100) === 0) await this.#trim()
    await this.pool.query(sql`
      with too_many as (
        (select state_hash from pending_login where expires_at < now() limit 100)
        union
        (select state_hash from pending_login where browser_hash = ${hash(browser)}
         order by expires_at desc offset ${MOST_OF_A_BROWSER - 1})
      ), gone as (
        delete from pending_login where state_hash in (
          select state_hash from pending_login where state_hash in (select state_hash from too_many)
          for update skip locked
        )
      )
      insert into pending_login (state_hash, browser_hash, return_to, expires_at)
      values (${hash(state)}, ${hash(browser)}, ${returnTo}, now() + make_interval(secs => ${PENDING_SECONDS}))`)
    return this.#attempt(state)
  }

  /**
   * Uses up a login, whoever asks: a state that has been seen elsewhere is worth nothing any more.
   * @returns `undefined` when there is no such login, it is over, or it was begun in another browser
   */
  async take(state: string, browser: string | undefined): Promise<(LoginAttempt & { returnTo: string }) | undefined> {
    const { rows } = await this.pool.query<{ browser_hash: Buffer; return_to: string }>(sql`
      delete from pending_login where state_hash = ${hash(state)} and expires_at > now()
      returning browser_hash, return_to`)
    const row = rows[0]
    if (!row || !timingSafeEqual(row.browser_hash, hash(browser ?? ''))) return undefined
    return { ...this.#attempt(state), returnTo: row.return_to }
  }

  async #trim(): Promise<void> {
    await this.pool.query(sql`
      delete from pending_login where state_hash in (
        select state_hash from pending_login where state_hash in (
          select state_hash from pending_login order by expires_at desc offset ${this.most - 1}
        )
        for update skip locked
      )`)
  }

  #attempt(state: string): LoginAttempt {
    return {
      state,
      nonce: this.#derive('nonce', state),
      codeVerifier: new Secret(this.#derive('code_verifier', state)),
    }
  }

  /** 43 characters: what RFC 7636 §4.1 asks of a verifier. */
  #derive(what: string, state: string): string {
    return createHmac('sha256', this.key.reveal()).update(`${what}:${state}`).digest('base64url')
  }
}

const hash = (text: string): Buffer => createHash('sha256').update(text).digest()
