import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { IsIn, IsOptional, IsString } from 'class-validator'
import { ROLES, type Role } from '#libs/contracts'
import { IsGuid, IsTime, MayBeAbsent, refusedAs, toTime } from '#libs/service'
import type { ApiKeyRow } from './api-key.queries.js'

export class NewApiKeyBody {
  @ApiProperty({ description: 'For people; 1 to 255 characters.' })
  @IsString(refusedAs('api_key.name_blank', 'The name of an API key has 1 to 255 characters.'))
  name: string

  @ApiPropertyOptional({ description: 'At most the caller’s own role, which it is when absent.', enum: ROLES })
  @MayBeAbsent()
  @IsIn(ROLES, refusedAs('api_key.role', `The user_role must be one of (${ROLES.join(', ')}).`))
  user_role?: Role

  @ApiPropertyOptional({
    description:
      'RFC 3339; without it the key is good until it is deleted, or until the API key that asks for it ends.',
    nullable: true,
    type: String,
  })
  @IsOptional()
  @IsTime(refusedAs('request.time_invalid', 'The expires_at must be a time as RFC 3339 has it.'))
  expires_at?: string | null

  @ApiPropertyOptional({
    description:
      'A content item of the caller’s own: the key is then good for session tokens and the token exchange of this item, and for nothing else.',
    format: 'uuid',
    nullable: true,
    type: String,
  })
  @IsOptional()
  @IsGuid()
  content_guid?: string | null
}

/** An API key as the API shows it. */
export class ApiKeyView {
  @ApiProperty({ description: 'Digits.' })
  id: string

  @ApiProperty({ description: 'For people.' })
  name: string

  @ApiProperty({
    description: 'The whole key in the answer to its creation, never again; its last characters otherwise.',
  })
  key: string

  @ApiProperty({ description: 'The most that the key may do; never more than its owner.', enum: ROLES })
  user_role: Role

  @ApiProperty({ description: 'When it was created.' })
  created_time: string

  @ApiProperty({
    description: 'When it was last used, within 15 minutes; `null`: never.',
    nullable: true,
    type: String,
  })
  active_time: string | null

  @ApiProperty({ description: 'When it ends; `null`: when it is deleted.', nullable: true, type: String })
  expires_at: string | null

  @ApiProperty({
    description: 'The content item that it is bound to; `null`: a personal key.',
    format: 'uuid',
    nullable: true,
    type: String,
  })
  content_guid: string | null
}

/** @param key the whole key, once */
export const apiKeyView = (row: ApiKeyRow, key?: string): ApiKeyView => ({
  id: row.position,
  name: row.name,
  key: key ?? `…${row.hint}`,
  user_role: row.role,
  created_time: toTime(row.createdAt),
  active_time: row.usedAt && toTime(row.usedAt),
  expires_at: row.expiresAt && toTime(row.expiresAt),
  content_guid: row.contentGuid,
})
