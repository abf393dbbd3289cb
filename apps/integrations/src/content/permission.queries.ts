import { Injectable } from '@nestjs/common'
import { Pool } from 'pg'
import { DomainError } from '#libs/contracts'
import { sql } from '#libs/event-sourcing'
import type { PermissionRole, PrincipalType } from './permission.rules.js'

export interface PermissionRow {
  /** Digits: the API's id. */
  readonly position: string
  readonly contentGuid: string
  readonly principalGuid: string
  readonly principalType: PrincipalType
  readonly role: PermissionRole
}

/** The reads of who has access to content. */
@Injectable()
export class PermissionQueries {
  constructor(private readonly pool: Pool) {}

  /** In the order in which they were granted, without those of somebody who is known to be no more. */
  async list(contentGuid: string): Promise<PermissionRow[]> {
    const { rows } = await this.pool.query<PermissionRow>(sql`
      select position, content_guid as "contentGuid", principal_guid as "principalGuid",
        principal_type as "principalType", role
      from permission where content_guid = ${contentGuid} and not exists (
        select from replica where kind = principal_type and guid = principal_guid and state is null)
      order by position`)
    return rows
  }

  /** @throws DomainError `permission.not_found` */
  async get(contentGuid: string, id: string): Promise<PermissionRow> {
    const found = (await this.list(contentGuid)).find(({ position }) => position === id)
    if (!found) throw new DomainError('not_found', 'permission.not_found', 'This content has no such permission.')
    return found
  }

  /** @throws DomainError `permission.not_found` */
  async ofPrincipal(contentGuid: string, principalGuid: string): Promise<PermissionRow> {
    const found = (await this.list(contentGuid)).find((row) => row.principalGuid === principalGuid)
    if (!found) throw new DomainError('not_found', 'permission.not_found', 'This content has no such permission.')
    return found
  }

  /** What somebody may do with which content. */
  async contentGuidsOf(principalGuid: string): Promise<string[]> {
    const { rows } = await this.pool.query<{ guid: string }>(sql`
      select content_guid as guid from permission where principal_guid = ${principalGuid} order by position`)
    return rows.map(({ guid }) => guid)
  }

  /** Those who are named somewhere and are known to be no more. */
  async deletedPrincipals(): Promise<string[]> {
    const { rows } = await this.pool.query<{ guid: string }>(sql`
      select distinct principal_guid as guid from permission
      join replica on kind = principal_type and guid = principal_guid
      where state is null`)
    return rows.map(({ guid }) => guid)
  }
}
