import { Injectable } from '@nestjs/common'
import { DataSource } from 'typeorm'
import { DomainError, type Role } from '#libs/contracts'
import { FIRST_ADMINISTRATOR, INSTALLATION } from './first-administrator.js'
import type { Profile } from './profile.js'
import { searchOf, USERS, type UserFilter } from './user.search.js'

/** A person with the newest version of their profile. */
export interface UserRow extends Profile {
  readonly guid: string
  /** Place in the order in which people came. */
  readonly position: string
  readonly role: Role
  readonly locked: boolean
  readonly profileVersion: number
  readonly createdAt: Date
  readonly updatedAt: Date
  /** Of the last login or use of an API key; `null`: never. */
  readonly activeAt: Date | null
}

/** The reads of people. */
@Injectable()
export class UserQueries {
  constructor(private readonly dataSource: DataSource) {}

  async find(guid: string): Promise<UserRow | undefined> {
    const [user] = await this.dataSource.query<UserRow[]>(`${USERS} where person.guid = $1`, [guid])
    return user
  }

  /** In the order of the guids; those whom there is not are left out. */
  async many(guids: readonly string[]): Promise<UserRow[]> {
    const users = await this.dataSource.query<UserRow[]>(`${USERS} where person.guid = any($1)`, [guids])
    const byGuid = new Map(users.map((user) => [user.guid, user]))
    return guids.map((guid) => byGuid.get(guid)).filter((user) => user !== undefined)
  }

  /** @throws DomainError `user.not_found` */
  async get(guid: string): Promise<UserRow> {
    const user = await this.find(guid)
    if (!user) throw new DomainError('not_found', 'user.not_found', 'This user does not exist.')
    return user
  }

  /** One page in the order asked for, and how many there are on all pages. */
  async page(filter: UserFilter): Promise<{ users: UserRow[]; total: number }> {
    const { text, values } = searchOf(filter)
    const rows = await this.dataSource.query<(UserRow & { total: number })[]>(text, values)
    const users = rows.filter(({ guid }) => guid !== null).map(({ total: _, ...user }): UserRow => user)
    return { users, total: rows[0]?.total ?? 0 }
  }

  /** Usernames that more than one person has, whatever their case. */
  async duplicateUsernames(): Promise<number> {
    const [row] = await this.dataSource.query<{ count: number }[]>(
      `select count(*)::int as count from (
         select from profile where current group by username_key having count(*) > 1
       ) as duplicates`,
    )
    return row?.count ?? 0
  }

  /** Whether somebody has been made the first administrator. */
  async hasFirstAdministrator(): Promise<boolean> {
    const rows = await this.dataSource.query<object[]>('select from reserved where kind = $1 and value = $2', [
      INSTALLATION,
      FIRST_ADMINISTRATOR,
    ])
    return rows.length > 0
  }

  /** The person behind a session that is alive: not ended, not over, and its person not locked. */
  async ofSession(sid: string): Promise<{ guid: string; role: Role; expiresAt: Date } | undefined> {
    const [row] = await this.dataSource.query<{ guid: string; role: Role; expiresAt: Date }[]>(
      `select person.guid, person.role, session.expires_at as "expiresAt"
       from session join person on person.guid = session.user_guid
       where session.sid = $1 and session.expires_at > now() and not person.locked`,
      [sid],
    )
    return row
  }

  /** Whose session it is, alive or not; `undefined` when it has been ended. */
  async holderOfSession(sid: string): Promise<string | undefined> {
    const [row] = await this.dataSource.query<{ user_guid: string }[]>('select user_guid from session where sid = $1', [
      sid,
    ])
    return row?.user_guid
  }
}
