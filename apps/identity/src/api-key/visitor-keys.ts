import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { DataSource } from 'typeorm'
import { DomainError, lower, type Role, type Secret } from '#libs/contracts'
import { UserQueries } from '../user/user.queries.js'
import { hashOfKey, newKeyText } from './key-text.js'

/** So that an app can use it for as long as somebody looks at it; it does not end with their session. */
const LIFETIME_SECONDS = 3600
const PAGE = 10_000

/** Short-lived keys by which content acts as its visitor at this server's own API: rows that go when their time is over. */
@Injectable()
export class VisitorKeys {
  constructor(
    private readonly dataSource: DataSource,
    private readonly users: UserQueries,
  ) {}

  /**
   * @param most the key's role is the lower of this and the visitor's
   * @throws DomainError `user.not_found` for somebody gone or locked
   */
  async make(userGuid: string, most: Role, contentGuid: string): Promise<{ key: Secret; expiresIn: number }> {
    const user = await this.users.find(userGuid)
    if (!user || user.locked) throw new DomainError('not_found', 'user.not_found', 'This user does not exist.')
    const guid = randomUUID()
    const key = newKeyText(guid)
    await this.dataSource.query(
      `insert into visitor_key (guid, hash, user_guid, role, content_guid, expires_at)
       values ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))`,
      [guid, hashOfKey(key.reveal()), userGuid, lower(most, user.role), contentGuid, LIFETIME_SECONDS],
    )
    return { key, expiresIn: LIFETIME_SECONDS }
  }

  /** Removes those whose time is over; processes that do it at once share the work. @returns how many */
  async deleteOver(): Promise<number> {
    for (let deleted = 0; ;) {
      const [, count] = await this.dataSource.query<[unknown, number]>(
        `delete from visitor_key where guid in (
           select guid from visitor_key where expires_at <= now() limit $1 for update skip locked)`,
        [PAGE],
      )
      deleted += count
      if (count < PAGE) return deleted
    }
  }
}
