import { Pool } from 'pg'
import { Injectable } from '@nestjs/common'
import { contentContract, integrationContract } from '#libs/contracts'
import { sql } from '#libs/event-sourcing'
import { Replicas } from '#libs/messaging'

interface Row {
  guid: string
  known: boolean
  missing: boolean
}

@Injectable()
export class MissingConsents {
  constructor(
    private readonly pool: Pool,
    private readonly replicas: Replicas,
  ) {}

  /**
   * Which viewer integrations of a content item a user has yet to consent to, in the order of association. The gateway
   * remembers it when nothing is missing, so that is confirmed with the owner first: an association may be on its way.
   * @throws DomainError `replica.stale` (unavailable) when the owner does not answer
   */
  async of(userGuid: string, contentGuid: string): Promise<string[]> {
    const missing = missingOf(await this.#rows(userGuid, contentGuid))
    if (missing.length > 0) return missing
    await this.replicas.of(contentContract).confirm(contentGuid)
    const rows = await this.#rows(userGuid, contentGuid)
    const unknown = rows.filter(({ known }) => !known)
    if (unknown.length === 0) return missingOf(rows)
    await Promise.all(unknown.map(({ guid }) => this.replicas.of(integrationContract).confirm(guid)))
    return missingOf(await this.#rows(userGuid, contentGuid))
  }

  async #rows(userGuid: string, contentGuid: string): Promise<Row[]> {
    const { rows } = await this.pool.query<Row>(sql`
      select association.guid, integration.guid is not null as known,
        coalesce(integration.state ->> 'auth_type' = 'Viewer', false) and not exists (
          select from oauth_grant
          where user_guid = ${userGuid} and integration_guid = association.guid and status = 'usable'
            and (has_refresh_token or expires_at is null or expires_at > clock_timestamp())
        ) as missing
      from replica as content
      cross join lateral (
        select (entry ->> 'oauth_integration_guid')::uuid as guid, place
        from json_array_elements(content.state -> 'associations') with ordinality as each (entry, place)
      ) as association
      left join replica as integration on integration.kind = 'integration' and integration.guid = association.guid
      where content.kind = 'content' and content.guid = ${contentGuid}
      order by association.place`)
    return rows
  }
}

const missingOf = (rows: readonly Row[]): string[] => rows.filter(({ missing }) => missing).map(({ guid }) => guid)
