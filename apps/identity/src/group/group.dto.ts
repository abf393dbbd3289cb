import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { IsOptional, IsString, IsUUID } from 'class-validator'
import { MayBeAbsent, refusedAs } from '#libs/service'
import { PageQuery, PageView } from '../page.dto.js'
import { UserView } from '../user/user.dto.js'
import type { GroupRow } from './group.queries.js'

const NAME = refusedAs('group.name_invalid', 'The name must be text.')
const UNIQUE_ID = refusedAs('group.unique_id_blank', 'The unique_id must be text.')

/** A group as the API shows it. */
export class GroupView {
  @ApiProperty({ description: 'The group.' })
  guid: string

  @ApiProperty({ description: 'Unique, unless groups are matched by the provider’s unique IDs.' })
  name: string

  @ApiProperty({ description: 'Who manages it; `null` when the login provider does.', nullable: true, type: String })
  owner_guid: string | null
}

export class GroupPage extends PageView {
  @ApiProperty({ description: 'In the order of names.', type: [GroupView] })
  results: GroupView[]
}

export class MemberPage extends PageView {
  @ApiProperty({ description: 'In the order in which they joined.', type: [UserView] })
  results: UserView[]
}

export class GroupQuery extends PageQuery {
  @ApiPropertyOptional({ description: 'Beginning of the name, in any case.' })
  @MayBeAbsent()
  @IsString()
  prefix?: string
}

export class MemberQuery extends PageQuery {
  @ApiPropertyOptional({ description: 'At most 500.', type: Number, default: 10 })
  override page_size = 10
}

export class NewGroupBody {
  @ApiProperty({ description: '1 to 255 characters; case counts.' })
  @IsString(NAME)
  name: string

  @ApiPropertyOptional({
    description: 'What the login provider calls the group. Needed with OAuth2.GroupsByUniqueId, refused without.',
    nullable: true,
    type: String,
  })
  @IsOptional()
  @IsString(UNIQUE_ID)
  unique_id?: string | null
}

export class GroupBody {
  @ApiPropertyOptional({ description: '1 to 255 characters; case counts.' })
  @MayBeAbsent()
  @IsString(NAME)
  name?: string

  @ApiPropertyOptional({
    description: 'Can be set, or with OAuth2.GroupsAutoProvision cleared.',
    nullable: true,
    type: String,
  })
  @IsOptional()
  @IsUUID()
  owner_guid?: string | null
}

export class MemberBody {
  @ApiProperty({ description: 'Who is to join.' })
  @IsUUID(undefined, refusedAs('request.id_invalid', 'The user_guid must be a GUID.'))
  user_guid: string
}

export const groupView = ({ guid, name, ownerGuid }: GroupRow): GroupView => ({ guid, name, owner_guid: ownerGuid })
