import { Injectable } from '@nestjs/common'
import { DataSource } from 'typeorm'
import type { Named } from '#libs/contracts'
import type { UserRow } from '../user/user.queries.js'
import { USERS } from '../user/user.search.js'

export const PAGE = 500

/** Where a page begins, and whom it is about. */
export interface UserSelection {
  /** Position of the last one of the page before. */
  readonly after: string | undefined
  readonly includeLocked: boolean
  /** In any case. */
  readonly username: string | undefined
  readonly guid: string | undefined
}

export interface GroupSelection {
  readonly after: string | undefined
  /** Exactly. */
  readonly name: string | undefined
  readonly guid: string | undefined
}

export interface OperatorGroupRow {
  readonly guid: string
  readonly position: string
  readonly name: string
  readonly unique_id: string | null
  readonly owner_guid: string | null
  readonly owner: string | null
  readonly members: number
}

/** What the operator sees of people and groups: all of it, page by page in the order in which they came. */
@Injectable()
export class OperatorQueries {
  constructor(private readonly dataSource: DataSource) {}

  /** At most `PAGE`. */
  users({ after, includeLocked, username, guid }: UserSelection): Promise<UserRow[]> {
    return this.dataSource.query<UserRow[]>(
      `${USERS} where position > $1 and ($2 or not locked) and ($3::text is null or username_key = name_key($3))
         and ($4::uuid is null or person.guid = $4)
       order by position limit ${PAGE}`,
      [after ?? '0', includeLocked, username ?? null, guid ?? null],
    )
  }

  /** At most `PAGE`. */
  groups({ after, name, guid }: GroupSelection): Promise<OperatorGroupRow[]> {
    return this.dataSource.query<OperatorGroupRow[]>(
      `select user_group.guid, user_group.position, name, unique_id, owner_guid, profile.username as owner,
         (select count(*)::int from membership where group_guid = user_group.guid) as members
       from user_group
         left join person on person.guid = owner_guid
         left join profile on profile.user_guid = person.guid and profile.current
       where user_group.position > $1 and ($2::text is null or name = $2) and ($3::uuid is null or user_group.guid = $3)
       order by user_group.position limit ${PAGE}`,
      [after ?? '0', name ?? null, guid ?? null],
    )
  }

  /** The groups that somebody is in, those they joined first first. */
  memberships(userGuid: string): Promise<Named[]> {
    return this.dataSource.query<Named[]>(
      `select guid, name from membership join user_group on guid = group_guid
       where user_guid = $1 order by since_position, guid`,
      [userGuid],
    )
  }
}
