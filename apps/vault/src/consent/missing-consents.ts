import { Pool } from 'pg'
import { Injectable } from '@nestjs/common'
import { sql } from '#libs/event-sourcing'

@Injectable()
export class MissingConsents {
  constructor(private readonly pool: Pool) {}

  /**
   * Which viewer integrations of a content item a user has yet to consent to, in the order of association. A courtesy:
   * the exchange is where it counts, so what has not arrived here yet is not asked for.
   */
  async of(userGuid: string, contentGuid: string): Promise<string[]> {
    const { rows } = await this.pool.query<{ guid: string }>(sql`
      select integration.guid
      from replica as content
      cross join json_array_elements(content.state -> 'associations') with ordinality as association (entry, place)
      join replica as integration on integration.kind = 'integration'
        and integration.guid = (association.entry ->> 'oauth_integration_guid')::uuid
        and integration.state ->> 'auth_type' = 'Viewer'
      where content.kind = 'content' and content.guid = ${contentGuid} and not exists (
        select from oauth_grant
        where user_guid = ${userGuid} and integration_guid = integration.guid and status = 'usable'
          and (has_refresh_token or expires_at is null or expires_at > clock_timestamp())
      )
      order by place`)
    return rows.map(({ guid }) => guid)
  }
}
