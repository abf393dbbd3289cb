import { Pool } from 'pg'
import { Injectable } from '@nestjs/common'
import type { ContentState, IntegrationState, UserState } from '#libs/contracts'
import { sql } from '#libs/event-sourcing'
import { AuthorizationSettings } from '#libs/service'
import type { ConsentReason } from '../grant/grant.events.js'
import type { Doubt, Facts, GrantFacts, Known } from './decide.js'

/** What the decision rests on, and the sealed token that it may lead to. */
export interface LookedUp {
  readonly facts: Facts
  /** The access token of the grant's generation, sealed. */
  readonly accessToken: Buffer | null
  /** Every copy that was looked at. */
  readonly documents: readonly Doubt[]
}

interface Row {
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
  expires_at: Date | null
  has_refresh_token: boolean
  token_since: Date | null
  consent_reason: ConsentReason | null
  envelope: Buffer | null
}

const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const NOBODY = '00000000-0000-0000-0000-000000000000'

@Injectable()
export class FactQueries {
  constructor(
    private readonly pool: Pool,
    private readonly authorization: AuthorizationSettings,
  ) {}

  /**
   * One prepared statement for everything: the exchange is the busiest place of the house.
   * @param callerUserGuid the person behind a personal key; `undefined` for a key that is bound to content
   * @param audience as it was sent
   */
  async lookUp(
    contentGuid: string,
    visitorGuid: string,
    callerUserGuid: string | undefined,
    audience: string | undefined,
  ): Promise<LookedUp> {
    const wanted = audience === undefined ? null : GUID.test(audience) ? audience : NOBODY
    const { rows } = await this.pool.query<Row>(sql`
      select clock_timestamp() as now,
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
        oauth_grant.guid as grant_guid, oauth_grant.status, oauth_grant.generation, oauth_grant.expires_at,
        oauth_grant.has_refresh_token,
        oauth_grant.token_since, oauth_grant.consent_reason, safe.envelope
      from (select ${contentGuid}::uuid as content, ${visitorGuid}::uuid as visitor, ${callerUserGuid ?? null}::uuid as caller,
        ${wanted}::uuid as audience) as named
      left join replica as content on content.kind = 'content' and content.guid = named.content
      left join replica as visitor on visitor.kind = 'user' and visitor.guid = named.visitor
      left join replica as caller on caller.kind = 'user' and caller.guid = named.caller
      cross join lateral (select coalesce(named.audience,
        (content.state -> 'associations' -> 0 ->> 'oauth_integration_guid')::uuid) as guid) as chosen
      left join replica as integration on integration.kind = 'integration' and integration.guid = chosen.guid
      left join oauth_grant on oauth_grant.user_guid = named.visitor and oauth_grant.integration_guid = chosen.guid
      left join safe on safe.place = 'grant/' || oauth_grant.guid || '/access_token'
        and safe.generation = oauth_grant.generation`)
    const [row] = rows
    if (!row) throw new Error('a statement that always has one row had none')
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
      },
      accessToken: row.envelope,
      documents: [
        { kind: 'content', guid: contentGuid },
        { kind: 'user', guid: visitorGuid },
        ...(callerUserGuid === undefined ? [] : [{ kind: 'user', guid: callerUserGuid } as const]),
        ...(row.integration_guid === null ? [] : [{ kind: 'integration', guid: row.integration_guid } as const]),
        ...groups.map(({ guid }) => ({ kind: 'group', guid }) as const),
      ],
    }
  }
}

const known = <State>(isKnown: boolean, state: State | null): Known<State> => (isKnown ? state : undefined)

const grantOf = (
  { status, generation, expires_at, has_refresh_token, token_since, consent_reason }: Row,
  guid: string,
): GrantFacts => ({
  guid,
  status,
  generation,
  expiresAt: expires_at,
  hasRefreshToken: has_refresh_token,
  tokenSince: token_since,
  consentReason: consent_reason,
})
