import { Pool } from 'pg'
import { Injectable } from '@nestjs/common'
import {
  contentContract,
  isAtLeast,
  lower,
  mayView,
  obstacleTo,
  userContract,
  type Actor,
  type ContentState,
  type IntegrationState,
  type UserState,
} from '#libs/contracts'
import { sql } from '#libs/event-sourcing'
import { Replicas } from '#libs/messaging'
import { AuthorizationSettings } from '#libs/service'

/** How many content items are looked at to find one that somebody may see. */
const MOST_CONTENT = 200

/**
 * Whether there is a reason to ask somebody for consent: `none` covers whatever they may not know of; `no_viewers` is
 * content that has nobody's token.
 */
export type Occasion = 'good' | 'none' | 'no_viewers'

type Viewer = Extract<Actor, { type: 'user' }>

interface Asker {
  readonly user: UserState
  /** Of their groups, those that exist. */
  readonly groupGuids: readonly string[]
}

/** Consent begins at content with the integration, or with somebody who may use it for content of their own. */
@Injectable()
export class Occasions {
  constructor(
    private readonly pool: Pool,
    private readonly replicas: Replicas,
    private readonly authorization: AuthorizationSettings,
  ) {}

  /**
   * A *no* that rests on something missing here is confirmed with its owner first.
   * @param contentGuid where the browser comes from; `undefined`: from the dashboard, or it does not say
   * @throws DomainError `replica.stale` (unavailable) when the owner does not answer
   */
  async of(viewer: Viewer, integration: IntegrationState, contentGuid: string | undefined): Promise<Occasion> {
    await this.replicas.of(userContract).find(viewer.guid)
    if (contentGuid === undefined) return await this.#withoutContent(viewer, integration)
    const found = await this.#atContent(viewer, integration, await this.#content(contentGuid))
    if (found !== 'none') return found
    const content = await this.replicas.of(contentContract).confirm(contentGuid)
    await this.replicas.of(userContract).confirm(viewer.guid)
    return await this.#atContent(viewer, integration, content)
  }

  #content(guid: string): Promise<ContentState | undefined> {
    return this.replicas.of(contentContract).find(guid)
  }

  async #atContent(
    viewer: Viewer,
    integration: IntegrationState,
    content: ContentState | undefined,
  ): Promise<Occasion> {
    const asker = await this.#asker(viewer.guid)
    return content && asker ? occasionAt(content, integration, asker) : 'none'
  }

  async #withoutContent(viewer: Viewer, integration: IntegrationState): Promise<Occasion> {
    const asker = await this.#asker(viewer.guid)
    if (!asker || asker.user.locked) return 'none'
    const role = lower(viewer.role, asker.user.user_role)
    if (isAtLeast(role, 'administrator') || (isAtLeast(role, 'publisher') && mayUse(integration, asker))) return 'good'
    const { rows } = await this.pool.query<{ state: ContentState }>(sql`
      select state from replica
      where kind = 'content' and state is not null and state::text like '%' || ${integration.guid}::text || '%'
      limit ${MOST_CONTENT}`)
    return rows.some(({ state }) => occasionAt(state, integration, asker) === 'good') ? 'good' : 'none'
  }

  async #asker(guid: string): Promise<Asker | undefined> {
    const { rows } = await this.pool.query<{ user: UserState | null; groups: string[] }>(sql`
      select person.state as user, array(
        select held.guid::text from json_array_elements_text(person.state -> 'group_guids') as asked
        join replica as held on held.kind = 'group' and held.guid = asked::uuid and held.state is not null
      ) as groups
      from replica as person where person.kind = 'user' and person.guid = ${guid}`)
    const [row] = rows
    if (!row?.user) return undefined
    return { user: row.user, groupGuids: this.authorization.userGroups ? row.groups : [] }
  }
}

function occasionAt(content: ContentState, integration: IntegrationState, { user, groupGuids }: Asker): Occasion {
  if (!mayView(content, { guid: user.guid, locked: user.locked, groupGuids })) return 'none'
  if (!content.associations.some(({ oauth_integration_guid }) => oauth_integration_guid === integration.guid))
    return 'none'
  return obstacleTo(integration.auth_type, content) ? 'no_viewers' : 'good'
}

function mayUse({ access }: IntegrationState, { user, groupGuids }: Asker): boolean {
  const { user_guids = [], group_guids = [] } = access ?? {}
  if (user_guids.length + group_guids.length === 0) return true
  return user_guids.includes(user.guid) || group_guids.some((guid) => groupGuids.includes(guid))
}
