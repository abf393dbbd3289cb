import { Transform } from 'class-transformer'
import { IsBoolean, IsEmail, IsIn, IsString, Matches, MaxLength, ValidateIf } from 'class-validator'
import { ROLES, type NormalizedGroup, type OperatorGroup, type OperatorUser, type Role } from '#libs/contracts'
import { IsGuid, MayBeAbsent, refusedAs, toTime } from '#libs/service'
import type { GroupRow } from '../group/group.queries.js'
import { IsName, IsUniqueId, IsUsername, LONGEST } from '../user/person-fields.js'
import type { UserRow } from '../user/user.queries.js'
import type { OperatorGroupRow } from './operator.queries.js'

const YES = ({ value }: { value: unknown }): unknown => (value === 'true' ? true : value === 'false' ? false : value)

class PageQuery {
  @MayBeAbsent()
  @Matches(/^\d{1,18}$/)
  after?: string

  @MayBeAbsent()
  @IsGuid()
  guid?: string
}

export class UsersQuery extends PageQuery {
  @MayBeAbsent()
  @Transform(YES)
  @IsBoolean()
  include_locked = false

  @MayBeAbsent()
  @IsString()
  username?: string
}

export class GroupsQuery extends PageQuery {
  @MayBeAbsent()
  @IsString()
  name?: string
}

export class AlterUserBody {
  @MayBeAbsent()
  @IsUsername()
  username?: string

  @MayBeAbsent()
  @IsName()
  first_name?: string

  @MayBeAbsent()
  @IsName()
  last_name?: string

  @MayBeAbsent()
  @ValidateIf(({ email }: AlterUserBody) => email !== '')
  @IsEmail({ allow_utf8_local_part: true }, refusedAs('user.email_invalid', 'The e-mail address is none.'))
  @MaxLength(LONGEST)
  email?: string

  @MayBeAbsent()
  @IsUniqueId('unique_id')
  @Matches(/\S/, refusedAs('user.unique_id_blank', 'The unique_id must not be blank.'))
  unique_id?: string

  @MayBeAbsent()
  @IsIn(ROLES, refusedAs('role.unknown', `The role must be one of (${ROLES.join(', ')}).`))
  user_role?: Role

  @MayBeAbsent()
  @IsBoolean()
  locked?: boolean

  /** Whether nobody need be administrator afterwards. */
  @MayBeAbsent()
  @IsBoolean()
  force = false
}

export class AlterGroupBody {
  @MayBeAbsent()
  @IsString()
  name?: string

  /** `null`: nobody. */
  @MayBeAbsent()
  @ValidateIf(({ owner_guid }: AlterGroupBody) => owner_guid !== null)
  @IsGuid()
  owner_guid?: string | null

  @MayBeAbsent()
  @IsString()
  unique_id?: string
}

export class TransferBody {
  @IsGuid()
  target_guid: string
}

export class NormalizationBody {
  @IsBoolean()
  dry_run: boolean
}

export class OperatorAuditQuery {
  @MayBeAbsent()
  @Matches(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/)
  since?: string

  @MayBeAbsent()
  @IsString()
  @MaxLength(100)
  next?: string
}

export const operatorUserView = (user: UserRow): OperatorUser => ({
  guid: user.guid,
  username: user.username,
  first_name: user.firstName,
  last_name: user.lastName,
  email: user.email,
  user_role: user.role,
  locked: user.locked,
  created_time: toTime(user.createdAt),
  active_time: user.activeAt && toTime(user.activeAt),
  unique_id: user.externalId,
})

export const operatorGroupView = ({ position: _, ...group }: OperatorGroupRow): OperatorGroup => group

export const normalizedGroup = ({ guid, name, uniqueId }: GroupRow): NormalizedGroup => ({
  guid,
  name,
  unique_id: uniqueId,
})
