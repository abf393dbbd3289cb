import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { IsOptional, IsString, ValidateIf } from 'class-validator'
import { MayBeAbsent, refusedAs, toTime } from '#libs/service'
import type { TagRow } from './tag.queries.js'

const NAME = refusedAs('tag.name_blank', 'The name of a tag must be text.')
const PARENT = refusedAs('tag.parent_unknown', 'The parent_id must be text.')

export class NewTagBody {
  @ApiProperty({ description: 'Unique among its siblings; at most 255 characters.', example: 'Sales' })
  @IsString(NAME)
  name: string

  @ApiPropertyOptional({ description: 'The tag above; none makes a category.', nullable: true, type: String })
  @IsOptional()
  @IsString(PARENT)
  parent_id?: string | null
}

export class TagBody {
  @ApiPropertyOptional({ description: 'Unique among its siblings; at most 255 characters.' })
  @MayBeAbsent()
  @IsString(NAME)
  name?: string

  @ApiPropertyOptional({ description: 'The tag above; null makes it a category.', nullable: true, type: String })
  @ValidateIf((body: TagBody) => body.parent_id !== undefined && body.parent_id !== null)
  @IsString(PARENT)
  parent_id?: string | null
}

export class TagFilter {
  @ApiPropertyOptional({ description: 'Only tags of exactly this name.' })
  @MayBeAbsent()
  @IsString()
  name?: string

  @ApiPropertyOptional({ description: 'Only tags directly under this one.' })
  @MayBeAbsent()
  @IsString()
  parent_id?: string
}

export class TagReference {
  @ApiProperty({ description: 'The tag.', example: '17' })
  @IsString(refusedAs('tag.unknown', 'The tag_id must be text.'))
  tag_id: string
}

export class TagView {
  @ApiProperty({ description: 'Digits.' })
  id: string

  @ApiProperty({ description: 'Unique among its siblings.' })
  name: string

  @ApiProperty({ description: 'The tag above; `null` for a category.', nullable: true, type: String })
  parent_id: string | null

  @ApiProperty({ description: 'When it was added.' })
  created_time: string

  @ApiProperty({ description: 'When it last changed.' })
  updated_time: string
}

export const tagView = ({ id, name, parentId, createdAt, updatedAt }: TagRow): TagView => ({
  id,
  name,
  parent_id: parentId,
  created_time: toTime(createdAt),
  updated_time: toTime(updatedAt),
})
