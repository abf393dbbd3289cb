import { Injectable } from '@nestjs/common'
import { DataSource } from 'typeorm'
import { DomainError } from '#libs/contracts'

export interface GroupRow {
  readonly guid: string
  readonly name: string
  /** `null`: made by a login. */
  readonly ownerGuid: string | null
  /** The provider's, where groups are matched by it. */
  readonly uniqueId: string | null
}

export interface GroupFilter {
  /** Beginning of the name, in any case. */
  readonly prefix?: string
  /** Counted from 1. */
  readonly page: number
  readonly pageSize: number
}

const COLUMNS = 'guid, name, owner_guid as "ownerGuid", unique_id as "uniqueId"'

/** By code point, so that one index serves order and prefix, whatever the database's collation. */
const SORTED_BY = 'lower(name) collate "C"'
const PAGE = `
  with found as not materialized (select * from user_group where $1::text is null or ${SORTED_BY} like $1)
  select (select count(*)::int from found) as total, page.*
  from (select 1) as always left join (
    select ${COLUMNS} from found order by ${SORTED_BY}, guid limit $2 offset $3
  ) as page on true`

/** The reads of groups. */
@Injectable()
export class GroupQueries {
  constructor(private readonly dataSource: DataSource) {}

  async find(guid: string): Promise<GroupRow | undefined> {
    const [group] = await this.dataSource.query<GroupRow[]>(`select ${COLUMNS} from user_group where guid = $1`, [guid])
    return group
  }

  /** @throws DomainError `group.not_found` */
  async get(guid: string): Promise<GroupRow> {
    const group = await this.find(guid)
    if (!group) throw new DomainError('not_found', 'group.not_found', 'This group does not exist.')
    return group
  }

  /** In the order of names. */
  async page({ prefix, page, pageSize }: GroupFilter): Promise<{ groups: GroupRow[]; total: number }> {
    const pattern = prefix === undefined ? null : `${prefix.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`
    const rows = await this.dataSource.query<(GroupRow & { total: number })[]>(PAGE, [
      pattern,
      pageSize,
      (page - 1) * pageSize,
    ])
    return {
      groups: rows.filter(({ guid }) => guid !== null).map(({ total: _, ...group }) => group),
      total: rows[0]?.total ?? 0,
    }
  }

  /** All groups, oldest first. */
  async all(): Promise<GroupRow[]> {
    return this.dataSource.query<GroupRow[]>(`select ${COLUMNS} from user_group order by position`)
  }

  /** Guids of the groups whose owner is gone. */
  async ofTheDead(): Promise<ReadonlySet<string>> {
    const rows = await this.dataSource.query<{ guid: string }[]>(
      `select guid from user_group
       where owner_guid is not null and not exists (select from person where person.guid = owner_guid)`,
    )
    return new Set(rows.map(({ guid }) => guid))
  }

  /** The groups of an owner, oldest first. */
  async ownedBy(ownerGuid: string): Promise<GroupRow[]> {
    return this.dataSource.query<GroupRow[]>(
      `select ${COLUMNS} from user_group where owner_guid = $1 order by position`,
      [ownerGuid],
    )
  }

  /** Name to guid, of those that there are; the oldest of several. Case counts. */
  async byName(names: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const rows = await this.dataSource.query<{ guid: string; name: string }[]>(
      'select distinct on (name) guid, name from user_group where name = any($1) order by name, position',
      [names],
    )
    return new Map(rows.map(({ name, guid }) => [name, guid]))
  }

  /** Guids of the groups with these unique ids of the provider's. Case counts. */
  async byUniqueId(uniqueIds: readonly string[]): Promise<string[]> {
    const rows = await this.dataSource.query<{ guid: string }[]>(
      'select guid from user_group where unique_id = any($1) order by position',
      [uniqueIds],
    )
    return rows.map(({ guid }) => guid)
  }

  /**
   * Guids of a group's members in the order in which they joined.
   * @param only nobody but this member
   */
  async members(
    guid: string,
    page: number,
    pageSize: number,
    only?: string,
  ): Promise<{ guids: string[]; total: number }> {
    const rows = await this.dataSource.query<{ guid: string | null; total: number }[]>(
      `with found as not materialized (
         select user_guid, since_position from membership join person on person.guid = membership.user_guid
         where group_guid = $1 and ($4::uuid is null or user_guid = $4)
       )
       select (select count(*)::int from found) as total, page.user_guid as guid
       from (select 1) as always left join (
         select * from found order by since_position, user_guid limit $2 offset $3
       ) as page on true`,
      [guid, pageSize, (page - 1) * pageSize, only ?? null],
    )
    return { guids: rows.map(({ guid }) => guid).filter((guid) => guid !== null), total: rows[0]?.total ?? 0 }
  }
}
