import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { IsOptional } from 'class-validator'
import { SHARE_LINK_PARAMETER } from '#libs/contracts'
import { IsTime, refusedAs, toTime, type ServerSettings } from '#libs/service'
import type { ShareLinkRow } from './share-link.queries.js'

export class NewShareLinkBody {
  @ApiPropertyOptional({
    description: 'RFC 3339; without it the link is good until it is revoked.',
    nullable: true,
    type: String,
  })
  @IsOptional()
  @IsTime(refusedAs('request.time_invalid', 'The expires_at must be a time as RFC 3339 has it.'))
  expires_at?: string | null
}

/** A way into a content item for whoever has the link. */
export class ShareLinkView {
  @ApiProperty({ description: 'The link.' })
  guid: string

  @ApiProperty({ description: 'The content item.' })
  content_guid: string

  @ApiProperty({ description: 'When it was made.' })
  created_time: string

  @ApiProperty({ description: 'When it ends; `null`: when it is revoked.', nullable: true, type: String })
  expires_at: string | null

  @ApiPropertyOptional({ description: 'The link itself: in the answer to its creation, and never again.' })
  url?: string
}

export const shareLinkView = (row: ShareLinkRow): ShareLinkView => ({
  guid: row.guid,
  content_guid: row.contentGuid,
  created_time: toTime(row.createdAt),
  expires_at: row.expiresAt && toTime(row.expiresAt),
})

/** What is given to people. The token is in the query, which nobody logs and the gateway takes away. */
export const shareUrl = (server: ServerSettings, contentGuid: string, token: string): string =>
  server.urlOf(`/content/${contentGuid}/?${SHARE_LINK_PARAMETER}=${token}`)
