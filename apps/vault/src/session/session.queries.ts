import { Pool } from 'pg'
import { Injectable } from '@nestjs/common'
import { sql } from '#libs/event-sourcing'

/** A viewer's authorization at a provider, as the API calls it; nothing of its tokens. */
export interface SessionRow {
  readonly id: string
  readonly guid: string
  readonly userGuid: string
  readonly integrationGuid: string
  readonly hasRefreshToken: boolean
  /** As granted; `null` when the provider did not say. */
  readonly scope: string | null
  /** As the integration asks for it now; `null` when nobody knows it here. */
  readonly requestedScope: string | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

@Injectable()
export class SessionQueries {
  constructor(private readonly pool: Pool) {}

  /** Oldest first. */
  async list(userGuid: string | null): Promise<SessionRow[]> {
    return await this.#rows(userGuid, null)
  }

  /** @returns `undefined` when there is none, or it has ended */
  async find(guid: string): Promise<SessionRow | undefined> {
    return (await this.#rows(null, guid))[0]
  }

  async #rows(userGuid: string | null, guid: string | null): Promise<SessionRow[]> {
    const { rows } = await this.pool.query<SessionRow>(sql`
      select oauth_grant.position::text as id, oauth_grant.guid, user_guid as "userGuid",
        integration_guid as "integrationGuid", has_refresh_token as "hasRefreshToken", scope,
        integration.state -> 'client' ->> 'scope' as "requestedScope",
        obtained_at as "createdAt", changed_at as "updatedAt"
      from oauth_grant
      left join replica as integration on integration.kind = 'integration' and integration.guid = integration_guid
      where status <> 'revoked' and (${userGuid}::uuid is null or user_guid = ${userGuid}::uuid)
        and (${guid}::uuid is null or oauth_grant.guid = ${guid}::uuid)
      order by oauth_grant.position`)
    return rows
  }
}
