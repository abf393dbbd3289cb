import { ApiProperty } from '@nestjs/swagger'
import { IsIn } from 'class-validator'
import { IsGuid, refusedAs } from '#libs/service'
import type { PermissionRow } from './permission.queries.js'
import { PERMISSION_ROLES, PRINCIPAL_TYPES, type PermissionRole, type PrincipalType } from './permission.rules.js'

const ROLE = refusedAs('permission.role_unknown', `The role must be one of (${PERMISSION_ROLES.join(', ')}).`)

export class PermissionRoleBody {
  @ApiProperty({
    description: 'What they may: visit, or as a collaborator change it too (`owner`).',
    enum: PERMISSION_ROLES,
  })
  @IsIn(PERMISSION_ROLES, ROLE)
  role: PermissionRole
}

export class PermissionBody extends PermissionRoleBody {
  @ApiProperty({ description: 'The person or group.' })
  @IsGuid()
  principal_guid: string

  @ApiProperty({ description: 'Which of the two.', enum: PRINCIPAL_TYPES })
  @IsIn(
    PRINCIPAL_TYPES,
    refusedAs(
      'permission.principal_type_unknown',
      `The principal_type must be one of (${PRINCIPAL_TYPES.join(', ')}).`,
    ),
  )
  principal_type: PrincipalType
}

/** One entry of an item's access list. */
export class PermissionView {
  @ApiProperty({ description: 'Digits; stays while the role changes.' })
  id: string

  @ApiProperty({ description: 'The content item.' })
  content_guid: string

  @ApiProperty({ description: 'The person or group.' })
  principal_guid: string

  @ApiProperty({ description: 'Which of the two.', enum: PRINCIPAL_TYPES })
  principal_type: PrincipalType

  @ApiProperty({ description: '`owner` is a collaborator.', enum: PERMISSION_ROLES })
  role: PermissionRole
}

export const permissionView = (row: PermissionRow): PermissionView => ({
  id: row.position,
  content_guid: row.contentGuid,
  principal_guid: row.principalGuid,
  principal_type: row.principalType,
  role: row.role,
})
