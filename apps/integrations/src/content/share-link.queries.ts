import { Injectable } from '@nestjs/common'
import { Pool } from 'pg'
import { sql } from '#libs/event-sourcing'
import { shareLinkNotFound } from './share-link.rules.js'

export interface ShareLinkRow {
  readonly guid: string
  readonly contentGuid: string
  readonly createdAt: Date
  readonly expiresAt: Date | null
}

/** The reads of share links; their hashes are for the gateway only. */
@Injectable()
export class ShareLinkQueries {
  constructor(private readonly pool: Pool) {}

  /** Oldest first. */
  async list(contentGuid: string): Promise<ShareLinkRow[]> {
    const { rows } = await this.pool.query<ShareLinkRow>(sql`
      select guid, content_guid as "contentGuid", created_at as "createdAt", expires_at as "expiresAt"
      from share_link where content_guid = ${contentGuid} order by position`)
    return rows
  }

  /** @throws DomainError `share_link.not_found` */
  async get(contentGuid: string, guid: string): Promise<ShareLinkRow> {
    const found = (await this.list(contentGuid)).find((row) => row.guid === guid)
    if (!found) throw shareLinkNotFound()
    return found
  }
}
