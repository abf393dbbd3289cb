import { Injectable } from '@nestjs/common'
import { Pool } from 'pg'
import { sql, type Statement } from '#libs/event-sourcing'
import { tagNotFound } from './tag.refusals.js'

/** A tag with the number of the one above. */
export interface TagRow {
  readonly guid: string
  readonly id: string
  readonly parentId: string | null
  readonly name: string
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** The reads of tags. An id is a number as text; what is none names no tag. */
@Injectable()
export class TagQueries {
  constructor(private readonly pool: Pool) {}

  /** Oldest first. */
  list({ name, parentId }: { name?: string | undefined; parentId?: string | undefined }): Promise<TagRow[]> {
    return this.#rows(sql`
      select tag.guid, tag.position as id, above.position as "parentId", tag.name,
        tag.created_at as "createdAt", tag.updated_at as "updatedAt"
      from tag left join tag above on above.guid = tag.parent_guid
      where (${name ?? null}::text is null or tag.name = ${name ?? null})
        and (${parentId ?? null}::text is null or above.position::text = ${parentId ?? null})
      order by tag.position`)
  }

  /** @throws DomainError `object.not_found` */
  async get(id: string): Promise<TagRow> {
    const tag = await this.find(id)
    if (!tag) throw tagNotFound()
    return tag
  }

  async find(id: string): Promise<TagRow | undefined> {
    if (!isId(id)) return undefined
    const [tag] = await this.#rows(sql`
      select tag.guid, tag.position as id, above.position as "parentId", tag.name,
        tag.created_at as "createdAt", tag.updated_at as "updatedAt"
      from tag left join tag above on above.guid = tag.parent_guid
      where tag.position = ${id}`)
    return tag
  }

  /** The tag and those above it, without the category. */
  async withAncestors(guid: string): Promise<string[]> {
    const { rows } = await this.pool.query<{ guid: string }>(sql`
      with recursive path as (
        select guid, parent_guid from tag where guid = ${guid}
        union select above.guid, above.parent_guid from path join tag above on above.guid = path.parent_guid
      )
      select guid from path where parent_guid is not null`)
    return rows.map((row) => row.guid)
  }

  /** The tag and all under it. */
  async withDescendants(guid: string): Promise<string[]> {
    const { rows } = await this.pool.query<{ guid: string }>(sql`
      with recursive branch as (
        select guid from tag where guid = ${guid}
        union select below.guid from branch join tag below on below.parent_guid = branch.guid
      )
      select guid from branch`)
    return rows.map((row) => row.guid)
  }

  /** The tags of content items, oldest first; an item without any is absent. For `include=tags`. */
  async ofContents(contentGuids: readonly string[]): Promise<Map<string, TagRow[]>> {
    const rows = await this.#rows<TagRow & { contentGuid: string }>(sql`
      select content_guid as "contentGuid", tag.guid, tag.position as id, above.position as "parentId", tag.name,
        tag.created_at as "createdAt", tag.updated_at as "updatedAt"
      from content_tag join tag on tag.guid = content_tag.tag_guid join tag above on above.guid = tag.parent_guid
      where content_guid = any(${contentGuids}::uuid[])
      order by tag.position`)
    const byContent = new Map<string, TagRow[]>()
    for (const row of rows) byContent.set(row.contentGuid, [...(byContent.get(row.contentGuid) ?? []), row])
    return byContent
  }

  async ofContent(contentGuid: string): Promise<TagRow[]> {
    return (await this.ofContents([contentGuid])).get(contentGuid) ?? []
  }

  async #rows<Row extends TagRow = TagRow>(statement: Statement): Promise<Row[]> {
    return (await this.pool.query<Row>(statement)).rows
  }
}

/** Whether it fits into what PostgreSQL keeps ids in. */
export const isId = (text: string): boolean => /^\d{1,18}$/.test(text)
