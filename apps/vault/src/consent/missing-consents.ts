import { Pool } from 'pg'
import { Injectable } from '@nestjs/common'
import {
  contentContract,
  integrationContract,
  obstacleTo,
  type ContentState,
  type IntegrationState,
} from '#libs/contracts'
import { sql } from '#libs/event-sourcing'
import { Replicas } from '#libs/messaging'
import { clientFingerprint } from '../provider/client-fingerprint.js'

interface Row extends Pick<ContentState, 'kind' | 'access_type'> {
  version: number
  guid: string | null
  known: boolean
  integration: IntegrationState | null
  /** That the user's usable grant is of; null also without any. */
  client: string | null
}

@Injectable()
export class MissingConsents {
  constructor(
    private readonly pool: Pool,
    private readonly replicas: Replicas,
  ) {}

  /**
   * Which viewer integrations of a content item a user has yet to consent to, in the order of association.
   * @param version of the content's document that the gateway has: an association that it knows may be on its way here
   * @throws DomainError `replica.stale` (unavailable) when the owner does not answer
   */
  async of(userGuid: string, contentGuid: string, version: number): Promise<string[]> {
    let rows = await this.#rows(userGuid, contentGuid)
    if (missingOf(rows).length === 0 && (rows[0]?.version ?? 0) < version) {
      await this.replicas.of(contentContract).confirm(contentGuid)
      rows = await this.#rows(userGuid, contentGuid)
    }
    const unknown = rows.filter(({ guid, known }) => guid !== null && !known)
    if (missingOf(rows).length > 0 || unknown.length === 0) return missingOf(rows)
    await Promise.all(unknown.map(({ guid }) => this.replicas.of(integrationContract).confirm(guid!)))
    return missingOf(await this.#rows(userGuid, contentGuid))
  }

  /** One for each association; one without any for content that has none. */
  async #rows(userGuid: string, contentGuid: string): Promise<Row[]> {
    const { rows } = await this.pool.query<Row>(sql`
      select content.version, content.state ->> 'kind' as kind, content.state ->> 'access_type' as access_type,
        association.guid, integration.guid is not null as known, integration.state as integration, oauth_grant.client
      from replica as content
      left join lateral (
        select (entry ->> 'oauth_integration_guid')::uuid as guid, place
        from json_array_elements(content.state -> 'associations') with ordinality as each (entry, place)
      ) as association on true
      left join replica as integration on integration.kind = 'integration' and integration.guid = association.guid
      left join oauth_grant on user_guid = ${userGuid} and integration_guid = association.guid and status = 'usable'
        and (has_refresh_token or expires_at is null or expires_at > clock_timestamp())
      where content.kind = 'content' and content.guid = ${contentGuid}
      order by association.place`)
    return rows
  }
}

const missingOf = (rows: readonly Row[]): string[] =>
  rows.flatMap((row) => (row.guid !== null && isMissing(row) ? [row.guid] : []))

/** By the rules of the exchange; where consent would lead nowhere, nobody is sent to it. */
const isMissing = ({ integration, client, ...content }: Row): boolean =>
  integration?.auth_type === 'Viewer' &&
  obstacleTo(integration.auth_type, content) === undefined &&
  client !== clientFingerprint(integration)
