import { Injectable } from '@nestjs/common'
import { DataSource } from 'typeorm'
import { DomainError, type Role } from '#libs/contracts'
import { FIRST_ADMINISTRATOR, INSTALLATION } from './first-administrator.js'
import type { Profile } from './profile.js'

/** A person with the newest version of their profile. */
export interface UserRow extends Profile {
  readonly guid: string
  readonly role: Role
  readonly locked: boolean
  readonly profileVersion: number
  readonly createdAt: Date
  readonly updatedAt: Date
  /** `null`: has never logged in. */
  readonly activeAt: Date | null
}

export interface UserFilter {
  /** Beginning of username, first or last name, in any case. */
  readonly prefix?: string
  readonly roles?: readonly Role[]
  readonly locked?: boolean
  readonly ascending: boolean
  /** Counted from 1. */
  readonly page: number
  readonly pageSize: number
}

const USERS = `
  select person.guid, role, locked, profile_version as "profileVersion", created_at as "createdAt",
    updated_at as "updatedAt", active_at as "activeAt", username, first_name as "firstName", last_name as "lastName",
    email, external_id as "externalId"
  from person join profile on profile.user_guid = person.guid and profile.version = person.profile_version`

const PAGE_OF_USERS = `
  with found as (
    ${USERS}
    where ($1::text is null or starts_with(lower(username), $1) or starts_with(lower(first_name), $1)
        or starts_with(lower(last_name), $1))
      and ($2::text[] is null or role = any($2)) and ($3::boolean is null or locked = $3)
  )
  select (select count(*)::int from found) as total, page.*
  from (select 1) as always left join (
    select * from found order by lower(username) %s, guid %s limit $4 offset $5
  ) as page on true`

/** The reads of people. */
@Injectable()
export class UserQueries {
  constructor(private readonly dataSource: DataSource) {}

  async find(guid: string): Promise<UserRow | undefined> {
    const [user] = await this.dataSource.query<UserRow[]>(`${USERS} where person.guid = $1`, [guid])
    return user
  }

  /** @throws DomainError `user.not_found` */
  async get(guid: string): Promise<UserRow> {
    const user = await this.find(guid)
    if (!user) throw new DomainError('not_found', 'user.not_found', 'This user does not exist.')
    return user
  }

  /** In the order of usernames. */
  async page({
    prefix,
    roles,
    locked,
    ascending,
    page,
    pageSize,
  }: UserFilter): Promise<{ users: UserRow[]; total: number }> {
    const order = ascending ? 'asc' : 'desc'
    const rows = await this.dataSource.query<(UserRow & { total: number })[]>(PAGE_OF_USERS.replaceAll('%s', order), [
      prefix?.toLowerCase() ?? null,
      roles ?? null,
      locked ?? null,
      pageSize,
      (page - 1) * pageSize,
    ])
    return { users: rows.filter(({ guid }) => guid !== null), total: rows[0]?.total ?? 0 }
  }

  /** How many administrators there are who can act, this person left out. */
  async otherAdministrators(guid: string): Promise<number> {
    const [row] = await this.dataSource.query<{ count: number }[]>(
      `select count(*)::int as count from person where role = 'administrator' and not locked and guid <> $1`,
      [guid],
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
