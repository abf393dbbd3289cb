import { Injectable } from '@nestjs/common'
import { Pool } from 'pg'
import type { SecretStanding } from '#libs/contracts'
import { sql } from '#libs/event-sourcing'

/** Which client secrets integrations name, by their log: what it says decides what the vault destroys. */
@Injectable()
export class SecretNames {
  constructor(private readonly pool: Pool) {}

  /** By the member's name, whatever the event is called: one that were overlooked would cost a secret. */
  async standingOf(integrationGuid: string, reference: string): Promise<SecretStanding> {
    const { rows } = await this.pool.query<{ reference: string | null; recorded_at: Date }>(sql`
      select data::json ->> 'clientSecretReference' as reference, recorded_at
      from event
      where stream_id = ${`integration-${integrationGuid}`}
        and (data::jsonb ? 'clientSecretReference' or type = 'IntegrationDeleted')
      order by version`)
    const last = rows.findLastIndex((row) => row.reference === reference)
    if (last < 0) return { standing: 'never', since: null }
    const next = rows[last + 1]
    return next ? { standing: 'former', since: next.recorded_at.toISOString() } : { standing: 'current', since: null }
  }
}
