import { Pool } from 'pg'
import { Injectable } from '@nestjs/common'
import { sql } from '#libs/event-sourcing'
import type { RefreshFate } from './grant.events.js'

/** A grant's row, as somebody who wants to refresh it needs it. */
export interface RefreshRow {
  /** The database's clock, by which leases run. */
  readonly now: Date
  readonly status: 'usable' | 'consent_required' | 'revoked'
  readonly generation: number
  readonly lease: { readonly attempt: string; readonly until: Date } | null
  /** The last attempt, if it failed. */
  readonly failure: {
    readonly attempt: string
    readonly fate: RefreshFate
    readonly error: string | null
    readonly at: Date
  } | null
  /** The refresh token of this generation, sealed. */
  readonly refreshToken: Buffer | null
}

interface Row {
  now: Date
  status: RefreshRow['status']
  generation: number
  lease_attempt: string | null
  lease_until: Date | null
  failed_attempt: string | null
  failure_fate: RefreshFate | null
  failure_error: string | null
  failed_at: Date | null
  envelope: Buffer | null
}

@Injectable()
export class GrantQueries {
  constructor(private readonly pool: Pool) {}

  /** One statement, so that row, token and clock belong together. */
  async forRefresh(guid: string): Promise<RefreshRow | undefined> {
    const { rows } = await this.pool.query<Row>(sql`
      select clock_timestamp() as now, status, oauth_grant.generation, lease_attempt, lease_until, failed_attempt,
        failure_fate, failure_error, failed_at, envelope
      from oauth_grant
      left join safe on place = 'grant/' || guid || '/refresh_token' and safe.generation = oauth_grant.generation
      where guid = ${guid}`)
    const [row] = rows
    if (!row) return undefined
    const { now, status, generation, lease_attempt, lease_until, failed_attempt, failure_fate, failed_at } = row
    return {
      now,
      status,
      generation,
      lease: lease_attempt && lease_until ? { attempt: lease_attempt, until: lease_until } : null,
      failure:
        failed_attempt && failure_fate && failed_at
          ? { attempt: failed_attempt, fate: failure_fate, error: row.failure_error, at: failed_at }
          : null,
      refreshToken: row.envelope,
    }
  }
}
