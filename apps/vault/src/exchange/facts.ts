import { Pool } from 'pg'
import { Injectable } from '@nestjs/common'
import { isGuid, type ContentState, type IntegrationState, type UserState } from '#libs/contracts'
import { sql } from '#libs/event-sourcing'
import { AuthorizationSettings } from '#libs/service'
import type { GrantFacts } from '../grant/grant.queries.js'
import type { ServiceTokenFacts } from '../service-account/service-token.js'
import type { Doubt, Facts, Known } from './decide.js'
import { InGroups } from './in-groups.js'

/** What the decision rests on, and the sealed token that it may lead to. */
export interface LookedUp {
  readonly facts: Facts
  /** The access token of the grant, or of the service account, in its generation, sealed. */
  readonly accessToken: Buffer | null
  /** The ID token that is kept with the grant, sealed. */
  readonly idToken: Buffer | null
  /** Every copy that was looked at. */
  readonly documents: readonly Doubt[]
}

/** Guids, but for `audience`, which is as it was sent. */
interface Asked {
  readonly content: string
  readonly visitor: string | undefined
  readonly caller: string
  readonly audience: string | undefined
}

interface Row {
  place: number
  now: Date
  content_known: boolean
  content: ContentState | null
  visitor_known: boolean
  visitor: UserState | null
  caller_known: boolean
  caller: UserState | null
  integration_guid: string | null
  integration_known: boolean
  integration: IntegrationState | null
  groups: { guid: string; known: boolean; live: boolean }[] | null
  grant_guid: string | null
  status: GrantFacts['status']
  generation: number
  client: string | null
  expires_at: Date | null
  has_refresh_token: boolean
  token_since: Date | null
  consent_reason: GrantFacts['consentReason']
  scope: string | null
  id_token_expires_at: Date | null
  id_token_fault: GrantFacts['idTokenFault']
  fingerprint: string | null
  service_generation: number
  service_obtained_at: Date | null
  service_expires_at: Date | null
  envelope: Buffer | null
  id_token: Buffer | null
}

const NOBODY = '00000000-0000-0000-0000-000000000000'

@Injectable()
export class FactQueries {
  readonly #groups = new InGroups((asked: readonly Asked[]) => this.#lookUp(asked))

  constructor(
    private readonly pool: Pool,
    private readonly authorization: AuthorizationSettings,
  ) {}

  /**
   * What the database says from now on. One prepared statement for everything, and for all who ask while the former is
   * under way: the exchange is the busiest place of the house.
   * @param visitorGuid `undefined` when the subject is the content itself: its service account's token is looked up then
   * @param callerUserGuid the person whose key it is
   * @param audience as it was sent
   */
  lookUp(
    contentGuid: string,
    visitorGuid: string | undefined,
    callerUserGuid: string,
    audience: string | undefined,
  ): Promise<LookedUp> {
    return this.#groups.add({ content: contentGuid, visitor: visitorGuid, caller: callerUserGuid, audience })
  }

  async #lookUp(asked: readonly Asked[]): Promise<LookedUp[]> {
    const named = JSON.stringify(asked.map((each, place) => ({ ...each, place, audience: guidIn(each.audience) })))
    // The planner sees neither how many are asked for nor, behind `limit 1`, another way than by the indexes: it plans
    // once, where it would plan for every number anew (1.3 ms) or read whole tables for a few rows.
    const { rows } = await this.pool.query<Row>(sql`
      select named.place, clock_timestamp() as now,
        content.guid is not null as content_known, content.state as content,
        visitor.guid is not null as visitor_known, visitor.state as visitor,
        caller.guid is not null as caller_known, caller.state as caller,
        chosen.guid as integration_guid, integration.guid is not null as integration_known,
        integration.state as integration,
        case when content.state ->> 'access_type' = 'acl' then (
          select json_agg(json_build_object('guid', asked.guid, 'known', held.guid is not null,
            'live', held.state is not null))
          from json_array_elements(content.state -> 'permissions') as permission
          cross join lateral (select permission ->> 'principal_guid' as guid) as asked
          left join replica as held on held.kind = 'group' and held.guid = asked.guid::uuid
          where permission ->> 'principal_type' = 'group' and (visitor.state -> 'group_guids')::jsonb ? asked.guid
        ) end as groups,
        oauth_grant.guid as grant_guid, oauth_grant.status, oauth_grant.generation, oauth_grant.client, oauth_grant.expires_at,
        oauth_grant.has_refresh_token,
        oauth_grant.token_since, oauth_grant.consent_reason, oauth_grant.scope,
        oauth_grant.id_token_expires_at, oauth_grant.id_token_fault,
        service.fingerprint, service.generation as service_generation, service.obtained_at as service_obtained_at,
        service.expires_at as service_expires_at, safe.envelope, id_token.envelope as id_token
      from json_to_recordset(${named}) as named (place int, content uuid, visitor uuid, caller uuid, audience uuid)
      left join lateral (select * from replica
        where kind = 'content' and guid = named.content limit 1) as content on true
      left join lateral (select * from replica
        where kind = 'user' and guid = named.visitor limit 1) as visitor on true
      left join lateral (select * from replica
        where kind = 'user' and guid = named.caller limit 1) as caller on true
      cross join lateral (select coalesce(named.audience,
        (content.state -> 'associations' -> 0 ->> 'oauth_integration_guid')::uuid) as guid limit 1) as chosen
      left join lateral (select * from replica
        where kind = 'integration' and guid = chosen.guid limit 1) as integration on true
      left join lateral (select * from oauth_grant
        where user_guid = named.visitor and integration_guid = chosen.guid limit 1) as oauth_grant on true
      left join lateral (select * from service_token
        where named.visitor is null and integration_guid = chosen.guid limit 1) as service on true
      left join lateral (select envelope from safe
        where place = coalesce('grant/' || oauth_grant.guid || '/access_token',
          'service_account/' || service.integration_guid || '/access_token')
        and generation = coalesce(oauth_grant.generation, service.generation) limit 1) as safe on true
      left join lateral (select envelope from safe
        where generation = oauth_grant.generation and place =
          case when oauth_grant.id_token_expires_at is not null then 'grant/' || oauth_grant.guid || '/id_token' end
        limit 1) as id_token on true`)
    const found: LookedUp[] = []
    for (const row of rows) found[row.place] = this.#lookedUp(asked[row.place]!, row)
    return found
  }

  #lookedUp({ content, visitor, caller }: Asked, row: Row): LookedUp {
    const groups = this.authorization.userGroups ? (row.groups ?? []) : []
    return {
      facts: {
        now: row.now,
        content: known(row.content_known, row.content),
        visitor: known(row.visitor_known, row.visitor),
        callerUser: known(row.caller_known, row.caller),
        liveGroupGuids: groups.filter(({ live }) => live).map(({ guid }) => guid),
        unknownGroupGuids: groups.filter(({ known }) => !known).map(({ guid }) => guid),
        integration: known(row.integration_known, row.integration),
        grant: row.grant_guid === null ? undefined : grantOf(row, row.grant_guid),
        serviceToken: row.fingerprint === null ? undefined : serviceTokenOf(row, row.fingerprint),
      },
      accessToken: row.envelope,
      idToken: row.id_token,
      documents: [
        { kind: 'content', guid: content },
        ...(visitor === undefined ? [] : [{ kind: 'user', guid: visitor } as const]),
        { kind: 'user', guid: caller },
        ...(row.integration_guid === null ? [] : [{ kind: 'integration', guid: row.integration_guid } as const]),
        ...groups.map(({ guid }) => ({ kind: 'group', guid }) as const),
      ],
    }
  }
}

/** What is no guid names nothing that there is. */
const guidIn = (audience: string | undefined): string | null =>
  audience === undefined ? null : isGuid(audience) ? audience : NOBODY

const known = <State>(isKnown: boolean, state: State | null): Known<State> => (isKnown ? state : undefined)

const grantOf = (row: Row, guid: string): GrantFacts => ({
  guid,
  status: row.status,
  generation: row.generation,
  client: row.client,
  expiresAt: row.expires_at,
  hasRefreshToken: row.has_refresh_token,
  tokenSince: row.token_since,
  consentReason: row.consent_reason,
  scope: row.scope,
  idTokenExpiresAt: row.id_token_expires_at,
  idTokenFault: row.id_token_fault,
})

const serviceTokenOf = (
  { service_generation, service_obtained_at, service_expires_at }: Row,
  fingerprint: string,
): ServiceTokenFacts => ({
  fingerprint,
  generation: service_generation,
  obtainedAt: service_obtained_at,
  expiresAt: service_expires_at,
})
