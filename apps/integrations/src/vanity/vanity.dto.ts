import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { IsBoolean, IsString } from 'class-validator'
import { MayBeAbsent, refusedAs, toTime } from '#libs/service'
import type { Content } from '../content/content.entity.js'

export class VanityBody {
  @ApiProperty({
    description: 'Parts of letters, digits, dots, hyphens and underscores; slashes at its ends may be left out.',
    example: '/sales/',
  })
  @IsString(refusedAs('vanity.path_not_permitted', 'The path must be text.'))
  path: string

  @ApiPropertyOptional({
    description: 'Take the path from whoever has it, if the caller may edit that content too.',
    default: false,
  })
  @MayBeAbsent()
  @IsBoolean()
  force = false
}

/** The path under which a content item is shown beside its own. */
export class VanityView {
  @ApiProperty({ description: 'Begins and ends with a slash.' })
  path: string

  @ApiProperty({ description: 'The content item.' })
  content_guid: string

  @ApiProperty({ description: 'When it was given the path.' })
  created_time: string
}

/** @returns `undefined` for an item without one */
export const vanityView = ({ guid, vanityPath, vanityAt }: Content): VanityView | undefined =>
  vanityPath === null || vanityAt === null
    ? undefined
    : { path: vanityPath, content_guid: guid, created_time: toTime(vanityAt) }
