import { timingSafeEqual } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { DataSource } from 'typeorm'
import { authenticationFailed, DomainError, guidOfKey, lower, type Role } from '#libs/contracts'
import { hashOfKey } from './key-text.js'

export interface ApiKeyRow {
  readonly guid: string
  /** Of the creating event: the API's numeric id. */
  readonly position: string
  readonly userGuid: string
  readonly name: string
  readonly role: Role
  readonly expiresAt: Date | null
  readonly createdAt: Date
  /** About: written at most once in 15 minutes. `null`: never used. */
  readonly usedAt: Date | null
  /** Its last characters. */
  readonly hint: string
  /** The content item that it is bound to; `null`: a personal key. */
  readonly contentGuid: string | null
}

/** What a key lets its bearer be. */
export interface KeyHolder {
  readonly guid: string
  readonly userGuid: string
  /** The lower of the key's and its owner's. */
  readonly role: Role
  readonly expiresAt: Date | null
  /** The content item that it is bound to, and good for the token exchange of alone; `null`: a personal key. */
  readonly contentGuid: string | null
  /** The content item that acts as its visitor by it; `null`: nobody's visit. */
  readonly visitOf: string | null
}

const KEYS = `
  select api_key.guid, position, user_guid as "userGuid", name, role, expires_at as "expiresAt",
    created_at as "createdAt", used_at as "usedAt", hint, content_guid as "contentGuid"
  from api_key join api_key_hash using (guid) left join api_key_use using (guid)`

/** The reads of API keys. */
@Injectable()
export class ApiKeyQueries {
  constructor(private readonly dataSource: DataSource) {}

  /** Somebody's keys, oldest first. */
  list(userGuid: string): Promise<ApiKeyRow[]> {
    return this.dataSource.query<ApiKeyRow[]>(`${KEYS} where user_guid = $1 order by position`, [userGuid])
  }

  /** @throws DomainError `api_key.not_found` when this person has no such key */
  async get(userGuid: string, id: string): Promise<ApiKeyRow> {
    const isId = /^\d{1,18}$/.test(id)
    const [key] = isId
      ? await this.dataSource.query<ApiKeyRow[]>(`${KEYS} where user_guid = $1 and position = $2`, [userGuid, id])
      : []
    if (!key) throw notFound()
    return key
  }

  /** @throws DomainError `api_key.not_found` */
  async getByGuid(guid: string): Promise<ApiKeyRow> {
    const [key] = await this.dataSource.query<ApiKeyRow[]>(`${KEYS} where api_key.guid = $1`, [guid])
    if (!key) throw notFound()
    return key
  }

  /**
   * What a key that acts still bounds: an assertion about it may be older than its end.
   * @throws DomainError `authentication.failed` when it is over or deleted, or its owner is gone or locked
   */
  async bounds(guid: string): Promise<{ role: Role; expiresAt: Date | null }> {
    const [key] = await this.dataSource.query<{ role: Role; ownerRole: Role; expiresAt: Date | null }[]>(
      `select api_key.role, person.role as "ownerRole", expires_at as "expiresAt"
       from api_key join person on person.guid = api_key.user_guid
       where api_key.guid = $1 and not person.locked and (expires_at is null or expires_at > now())`,
      [guid],
    )
    if (!key) throw authenticationFailed()
    return { role: lower(key.role, key.ownerRole), expiresAt: key.expiresAt }
  }

  /** Keys whose time is over, and those whose owner is gone; `limit` at most. */
  async dead(limit: number): Promise<string[]> {
    const rows = await this.dataSource.query<{ guid: string }[]>(
      `select guid from api_key
       where expires_at <= now() or not exists (select from person where person.guid = api_key.user_guid)
       order by position limit $1`,
      [limit],
    )
    return rows.map(({ guid }) => guid)
  }

  /** Who presents this text; `undefined` when it is no key, is over or deleted, or its owner is gone or locked. */
  async holderOf(text: string): Promise<KeyHolder | undefined> {
    const guid = guidOfKey(text)
    if (!guid) return undefined
    const [row] = await this.dataSource.query<(Omit<KeyHolder, 'guid'> & { ownerRole: Role; hash: Buffer })[]>(
      `select user_guid as "userGuid", key.role, person.role as "ownerRole", expires_at as "expiresAt",
         content_guid as "contentGuid", visit_of as "visitOf", hash
       from (
         select user_guid, role, expires_at, content_guid, null::uuid as visit_of, hash
         from api_key join api_key_hash using (guid) where guid = $1
         union all
         select user_guid, role, expires_at, null, content_guid, hash from visitor_key where guid = $1
       ) as key join person on person.guid = user_guid
       where not person.locked and (expires_at is null or expires_at > now())`,
      [guid],
    )
    if (!row || !timingSafeEqual(row.hash, hashOfKey(text))) return undefined
    const { ownerRole, hash: _, ...holder } = row
    return { ...holder, guid, role: lower(row.role, ownerRole) }
  }
}

const notFound = (): DomainError => new DomainError('not_found', 'api_key.not_found', 'This API key does not exist.')
