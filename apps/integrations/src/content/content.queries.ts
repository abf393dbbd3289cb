import { Injectable } from '@nestjs/common'
import { InjectRepository } from '@nestjs/typeorm'
import { Pool } from 'pg'
import { Repository } from 'typeorm'
import { isAtLeast, type Person } from '#libs/contracts'
import { sql } from '#libs/event-sourcing'
import { People } from '../replica/people.js'
import { roleOf, type AppRole } from './app-role.js'
import { contentNotFound } from './content.refusals.js'
import { Association, Content } from './content.entity.js'
import type { Editor } from './editor.js'
import type { PermissionRole } from './permission.rules.js'

/** An item as somebody sees it. */
export type SeenContent = Content & { readonly appRole: AppRole }

/** As many items as are read and written at a time. */
const BATCH = 2_000

export interface ContentFilter {
  readonly name?: string
  readonly ownerGuid?: string
  readonly tagGuid?: string
}

interface Found extends Content {
  readonly ownRole: PermissionRole | null
  readonly groups: readonly { readonly guid: string; readonly role: PermissionRole }[]
}

/** The reads of content items and their associations. */
@Injectable()
export class ContentQueries {
  constructor(
    @InjectRepository(Content) private readonly contents: Repository<Content>,
    @InjectRepository(Association) private readonly associations: Repository<Association>,
    private readonly pool: Pool,
    private readonly people: People,
  ) {}

  /** Whatever there is, in creation order. */
  list({ name, ownerGuid }: Omit<ContentFilter, 'tagGuid'>): Promise<Content[]> {
    // TypeORM refuses members that are `undefined`, since they would widen the query unseen.
    const where = { ...(name !== undefined && { name }), ...(ownerGuid !== undefined && { ownerGuid }) }
    return this.contents.find({ where, order: { position: 'asc' } })
  }

  /**
   * What somebody may know of, in creation order, so many at a time: there may be a hundred thousand.
   * @throws DomainError `replica.stale` (unavailable) when their groups matter and are not known for sure
   */
  async *listVisible(
    { name, ownerGuid, tagGuid }: ContentFilter,
    caller: Person,
    size = BATCH,
  ): AsyncGenerator<SeenContent[], void, undefined> {
    const values: unknown[] = []
    const parameter: Parameter = (value) => `$${values.push(value)}`
    const { role, visible } = await this.seeing(caller, parameter)
    const conditions = [
      visible,
      ...(name === undefined ? [] : [`content.name = ${parameter(name)}`]),
      ...(ownerGuid === undefined ? [] : [`content.owner_guid = ${parameter(ownerGuid)}::uuid`]),
      ...(tagGuid === undefined
        ? []
        : [`content.guid in (select content_guid from content_tag where tag_guid = ${parameter(tagGuid)}::uuid)`]),
    ]
    const after = parameter('0')
    const text = `select ${this.columns}, ${role} as "appRole" from content
      where ${conditions.join(' and ')} and content.position > ${after}::bigint
      order by content.position limit ${parameter(size)}::int`
    for (;;) {
      const { rows } = await this.pool.query<SeenContent>({ text, values })
      const last = rows.at(-1)
      if (last) yield rows
      if (!last || rows.length < size) return
      values[values.length - 2] = last.position
    }
  }

  /**
   * What somebody sees, as SQL over the table `content`: the role that they have in a row, and the condition for rows
   * that they may know of.
   * @param parameter gives a value its place in the statement
   * @throws as `listVisible`
   */
  async seeing(caller: Person, parameter: Parameter): Promise<{ role: string; visible: string }> {
    const me = `${parameter(caller.guid)}::uuid`
    if (isAtLeast(caller.role, 'administrator')) {
      return { role: `case when content.owner_guid = ${me} then 'owner' else 'editor' end`, visible: 'true' }
    }
    const held = `principal_guid = any(${parameter([caller.guid, ...(await this.#groupsOf(caller))])}::uuid[])`
    const edits = isAtLeast(caller.role, 'publisher')
      ? `when content.guid in (select content_guid from permission where ${held} and role = 'owner') then 'editor'`
      : ''
    return {
      role: `case when content.owner_guid = ${me} then 'owner' ${edits} else 'viewer' end`,
      // One index for each way in: joined by `or` they would be a walk over all content.
      visible: `content.guid in (
        select guid from content where owner_guid = ${me}
        union all select guid from content where access_type <> 'acl'
        union all select content_guid from permission where ${held})`,
    }
  }

  /** @throws DomainError `content.not_found` */
  async get(guid: string): Promise<Content> {
    const content = await this.contents.findOneBy({ guid })
    if (!content) throw contentNotFound()
    return content
  }

  /**
   * An item that the caller may know of; what they may not see does not exist for them.
   * @throws DomainError `content.not_found`; `replica.stale` (unavailable) when it hangs on groups not known for sure
   */
  async visible(guid: string, caller: Person): Promise<SeenContent> {
    return (await this.standing(guid, caller)).content
  }

  /**
   * The same, and who the caller is to the item's rules.
   * @throws as `visible`
   */
  async standing(guid: string, caller: Person): Promise<{ content: SeenContent; editor: Editor }> {
    const found = await this.#find(guid, caller)
    if (!found) throw contentNotFound()
    let standing = await this.#standing(found, caller)
    if (standing.content.appRole === 'none' && found.groups.length > 0) {
      // The *no* rests on a membership that is missing here: so identity is asked once more.
      await this.people.confirmUser(caller.guid)
      standing = await this.#standing(found, caller)
    }
    if (standing.content.appRole === 'none') throw contentNotFound()
    return standing
  }

  /**
   * An item after somebody's own change, which may have left them without access.
   * @throws DomainError `content.not_found`
   */
  async seen(guid: string, caller: Person): Promise<SeenContent> {
    const found = await this.#find(guid, caller)
    if (!found) throw contentNotFound()
    return (await this.#standing(found, caller)).content
  }

  /** In the order in which they were made. */
  associationsOf(contentGuid: string): Promise<Association[]> {
    return this.associations.find({ where: { contentGuid }, order: { position: 'asc' } })
  }

  /** In the order in which they were made. */
  associationsWith(integrationGuid: string): Promise<Association[]> {
    return this.associations.find({ where: { integrationGuid }, order: { position: 'asc' } })
  }

  /** Those that content is associated with and that are no more. */
  async integrationsGone(): Promise<string[]> {
    const { rows } = await this.pool.query<{ guid: string }>(sql`
      select distinct integration_guid as guid from association
      where not exists (select from integration where guid = integration_guid)`)
    return rows.map(({ guid }) => guid)
  }

  /** The columns of `content` under the names of the entity. */
  get columns(): string {
    return this.contents.metadata.columns
      .map(({ databaseName, propertyName }) => `content.${databaseName} as "${propertyName}"`)
      .join(', ')
  }

  async #find(guid: string, caller: Person): Promise<Found | undefined> {
    const { rows } = await this.pool.query<Found>({
      name: 'content found',
      text: `select ${this.columns},
          (select role from permission where content_guid = content.guid and principal_guid = $2) as "ownRole",
          (select coalesce(json_agg(json_build_object('guid', principal_guid, 'role', role)), '[]')
           from permission where content_guid = content.guid and principal_type = 'group') as groups
        from content where guid = $1`,
      values: [guid, caller.guid],
    })
    return rows[0]
  }

  /** Groups are looked up only where they make a difference. */
  async #standing(
    { ownRole, groups, ...content }: Found,
    caller: Person,
  ): Promise<{ content: SeenContent; editor: Editor }> {
    const own = ownRole ? [ownRole] : []
    const alone = roleOf(content, caller, own)
    const asked = groups.filter(({ role }) => roleOf(content, caller, [...own, role]) !== alone)
    const memberOf = new Set(
      await this.people.groupsOf(
        caller.guid,
        asked.map(({ guid }) => guid),
      ),
    )
    const mine = asked.filter(({ guid }) => memberOf.has(guid))
    const appRole = roleOf(content, caller, [...own, ...mine.map(({ role }) => role)])
    const groupGuids = mine.filter(({ role }) => role === 'owner').map(({ guid }) => guid)
    return { content: { ...content, appRole }, editor: { ...caller, groupGuids } }
  }

  /** Those of somebody's groups, alive, that any content lists. */
  async #groupsOf(caller: Person): Promise<string[]> {
    const { rows: any } = await this.pool.query(sql`
      select from permission where principal_type = 'group' limit 1`)
    if (any.length === 0) return []
    const user = await this.people.user(caller.guid)
    if (!user || user.group_guids.length === 0) return []
    const { rows } = await this.pool.query<{ guid: string }>(sql`
      select distinct principal_guid as guid from permission
      where principal_type = 'group' and principal_guid = any(${user.group_guids}::uuid[])`)
    const listed = rows.map(({ guid }) => guid)
    return this.people.groupsOf(caller.guid, listed)
  }
}

/** Gives a value its place in a statement, and returns that. */
type Parameter = (value: unknown) => string
