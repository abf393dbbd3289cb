import { Pool } from 'pg'
import { Injectable } from '@nestjs/common'
import { sql } from '#libs/event-sourcing'
import type { IntegrationState } from '#libs/contracts'
import type { ConsentReason, IdTokenFacts, RefreshFate } from './grant.events.js'

/** A viewer's authorization, as its row says. */
export interface GrantFacts {
  readonly guid: string
  readonly status: 'usable' | 'consent_required' | 'revoked'
  readonly generation: number
  /** Fingerprint of the client and provider that its tokens are of. */
  readonly client: string | null
  readonly expiresAt: Date | null
  readonly hasRefreshToken: boolean
  /** When its access token came, if that is known. */
  readonly tokenSince?: Date | null
  /** Why its user has to consent again. */
  readonly consentReason?: ConsentReason | null
  /** As granted, space-separated; `null` when the provider did not say. */
  readonly scope?: string | null
  /** Of the ID token that is kept; `null` when there is none. */
  readonly idTokenExpiresAt?: Date | null
  /** Why none is. */
  readonly idTokenFault?: IdTokenFacts['fault'] | null
}

/** A grant's row, as somebody who wants to refresh it needs it. */
export interface RefreshRow extends Pick<GrantFacts, 'status' | 'generation' | 'client'> {
  /** The database's clock, by which leases run. */
  readonly now: Date
  /** When its user last consented: which consent these tokens come from. */
  readonly obtainedAt: Date
  readonly lease: { readonly attempt: string; readonly until: Date } | null
  /** The last attempt, if it failed. */
  readonly failure: {
    readonly attempt: string
    readonly fate: RefreshFate
    readonly error: string | null
    readonly at: Date
    /** The first of those in a row that are as this one. */
    readonly since: Date
    /** Fingerprint of the settings that the provider refuses. */
    readonly settings: string | null
  } | null
  /** Nobody sends the refresh token again before: whoever sent it first may come back. */
  readonly quietUntil: Date | null
  /** The refresh token of this generation, sealed. */
  readonly refreshToken: Buffer | null
  /** An ID token that was kept with this generation, sealed, and when it ends. */
  readonly idToken: { readonly envelope: Buffer; readonly expiresAt: Date } | null
  /** The one of the generation before, where the provider still takes it. */
  readonly formerRefreshToken: Buffer | null
}

/** A grant with an attempt of which nobody knows what became. */
export interface Unsettled {
  readonly guid: string
  readonly generation: number
  readonly integration: IntegrationState
}

interface Row {
  now: Date
  status: RefreshRow['status']
  generation: number
  client: string | null
  obtained_at: Date
  lease_attempt: string | null
  lease_until: Date | null
  failed_attempt: string | null
  failure_fate: RefreshFate | null
  failure_error: string | null
  failed_at: Date | null
  failing_since: Date | null
  failure_settings: string | null
  quiet_until: Date | null
  envelope: Buffer | null
  former: Buffer | null
  id_token: Buffer | null
  id_token_expires_at: Date | null
}

@Injectable()
export class GrantQueries {
  constructor(private readonly pool: Pool) {}

  /** One statement, so that row, token and clock belong together. */
  async forRefresh(guid: string): Promise<RefreshRow | undefined> {
    const { rows } = await this.pool.query<Row>(sql`
      select clock_timestamp() as now, status, oauth_grant.generation, client, obtained_at, lease_attempt, lease_until,
        failed_attempt,
        failure_fate, failure_error, failed_at, failing_since, failure_settings, quiet_until, safe.envelope, former.envelope as former,
        id_token.envelope as id_token, id_token_expires_at
      from oauth_grant
      left join safe on safe.place = 'grant/' || guid || '/refresh_token' and safe.generation = oauth_grant.generation
      left join safe as former on former.place = 'grant/' || guid || '/refresh_token'
        and former.generation = oauth_grant.generation - 1
      left join safe as id_token on id_token_expires_at is not null
        and id_token.place = 'grant/' || guid || '/id_token' and id_token.generation = oauth_grant.generation
      where guid = ${guid}`)
    const [row] = rows
    if (!row) return undefined
    const { now, status, generation, lease_attempt, lease_until, failed_attempt, failure_fate, failed_at } = row
    return {
      now,
      status,
      generation,
      client: row.client,
      obtainedAt: row.obtained_at,
      lease: lease_attempt && lease_until ? { attempt: lease_attempt, until: lease_until } : null,
      failure:
        failed_attempt && failure_fate && failed_at
          ? {
              attempt: failed_attempt,
              fate: failure_fate,
              error: row.failure_error,
              at: failed_at,
              since: row.failing_since ?? failed_at,
              settings: row.failure_settings,
            }
          : null,
      quietUntil: row.quiet_until,
      refreshToken: row.envelope,
      formerRefreshToken: row.former,
      idToken:
        row.id_token && row.id_token_expires_at ? { envelope: row.id_token, expiresAt: row.id_token_expires_at } : null,
    }
  }

  /**
   * Grants whose attempt has no result although its lease has ended, and those with an attempt in doubt that may be
   * made good again.
   * @param pauseMs since the last failure
   * @param hopeMs since the doubt arose; later ones wait for somebody who needs the token
   */
  async unsettled(limit: number, { pauseMs, hopeMs }: { pauseMs: number; hopeMs: number }): Promise<Unsettled[]> {
    const { rows } = await this.pool.query<Unsettled>(sql`
      select oauth_grant.guid, generation, replica.state as integration
      from oauth_grant join replica on kind = 'integration' and replica.guid = integration_guid and state is not null
      where (lease_attempt is not null or doubt_attempt is not null) and status = 'usable' and (
        lease_until <= clock_timestamp()
        or lease_attempt is null and doubt_since > clock_timestamp() - ${hopeMs} * interval '1 millisecond'
          and (quiet_until is null or quiet_until <= clock_timestamp())
          and (failed_at is null or failed_at < clock_timestamp() - ${pauseMs} * interval '1 millisecond'))
      order by coalesce(lease_until, doubt_since) limit ${limit}`)
    return rows
  }
}
