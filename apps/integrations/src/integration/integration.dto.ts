import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { Type } from 'class-transformer'
import { ArrayMaxSize, IsArray, IsObject, IsOptional, IsString, MaxLength, ValidateNested } from 'class-validator'
import { AUTH_TYPES, DomainError, type AuthType } from '#libs/contracts'
import { createdGuid, IsGuid, MayBeAbsent, refusedAs, toTime } from '#libs/service'
import type { Config } from '../template/template.js'
import { principalOf } from './access-entry.js'
import type { NewAccessEntry } from './integration.decider.js'
import type { IntegrationPermission } from './integration.entity.js'
import type { ListedIntegration } from './integration.queries.js'

/** As many as one access list may have. */
const MOST_PERMISSIONS = 500

/** Somebody who may use an integration. What a client has read may be sent back. */
export class PermissionBody {
  @ApiPropertyOptional({ description: 'A person; either this or a group.', nullable: true, type: String })
  @IsOptional()
  @IsGuid(refusedAs('integration.access_user_invalid', 'A user_guid must be a GUID.'))
  user_guid?: string | null

  @ApiPropertyOptional({ description: 'A group: whoever is in it.', nullable: true, type: String })
  @IsOptional()
  @IsGuid(refusedAs('integration.access_group_invalid', 'A group_guid must be a GUID.'))
  group_guid?: string | null
}

/** What can be said of an integration when it is made, and later. */
class DescribedBody {
  @ApiPropertyOptional({
    description: 'Helps publishers choose; at most 255 characters.',
    nullable: true,
    type: String,
  })
  @IsOptional()
  @IsString(refusedAs('integration.name_invalid', 'The name must be text.'))
  @MaxLength(255, refusedAs('integration.name_invalid', 'The name may have at most 255 characters.'))
  name?: string | null

  @ApiPropertyOptional({ description: 'Free text; at most 4096 characters.', nullable: true, type: String })
  @IsOptional()
  @IsString(refusedAs('integration.description_invalid', 'The description must be text.'))
  @MaxLength(4096, refusedAs('integration.description_invalid', 'The description may have at most 4096 characters.'))
  description?: string | null

  @ApiPropertyOptional({
    description: 'Who may use it, in the place of who might before; with an empty list everybody who publishes may.',
    type: [PermissionBody],
  })
  @MayBeAbsent()
  @IsArray()
  @ArrayMaxSize(MOST_PERMISSIONS)
  @ValidateNested({ each: true })
  @Type(() => PermissionBody)
  permissions?: PermissionBody[]
}

export class NewIntegrationBody extends DescribedBody {
  @ApiProperty({ description: 'Which kind of provider it is.', example: 'custom' })
  @IsString()
  template: string

  @ApiProperty({ description: 'The template’s fields and options, flat. `client_secret` goes in and never comes out.' })
  @IsObject()
  config: Record<string, unknown>
}

/** What changes; what is absent stays. */
export class IntegrationBody extends DescribedBody {
  @ApiPropertyOptional({ description: 'May be sent along as long as it is the same: it cannot change.' })
  @MayBeAbsent()
  @IsString()
  template?: string

  @ApiPropertyOptional({
    description:
      'Fields and options that change; those not named stay. `null` clears one that may be missing. `client_secret` replaces the secret.',
    type: Object,
  })
  @MayBeAbsent()
  @IsObject()
  config?: Record<string, unknown>
}

/** An entry of an integration’s access list. */
export class PermissionView {
  @ApiProperty({ description: 'Digits; for clients of old. Use `guid`.' })
  id: string

  @ApiProperty({ description: 'The entry.' })
  guid: string

  @ApiProperty({ description: 'The integration.' })
  integration_guid: string

  @ApiProperty({ description: 'The person who may use it.', nullable: true, type: String })
  user_guid: string | null

  @ApiProperty({ description: 'The group whose members may use it.', nullable: true, type: String })
  group_guid: string | null
}

/** An integration as the API shows it: never with a secret, not even a masked one. */
export class IntegrationView {
  @ApiProperty({ description: 'Digits; for clients of old. Use `guid`.' })
  id: string

  @ApiProperty({ description: 'The integration; the `audience` of a token exchange.' })
  guid: string

  @ApiProperty({ description: 'When it was created.' })
  created_time: string

  @ApiProperty({ description: 'When it last changed.' })
  updated_time: string

  @ApiProperty({ description: 'Helps publishers choose.', nullable: true, type: String })
  name: string | null

  @ApiProperty({ description: 'Free text.', nullable: true, type: String })
  description: string | null

  @ApiProperty({ description: 'Which kind of provider it is.' })
  template: string

  @ApiProperty({ description: 'Whose authorization it is.', enum: AUTH_TYPES })
  auth_type: AuthType

  @ApiProperty({ description: 'The template’s fields and options, without secrets.' })
  config: Config

  @ApiProperty({
    description: 'Who may use it, oldest entry first; empty means everybody who publishes.',
    type: [PermissionView],
  })
  permissions: PermissionView[]
}

/**
 * The access list of a body, each entry with the guid that it gets if it is new.
 * @throws DomainError `request.parameter_invalid` for an entry that is not for one person or one group
 */
export function accessOf(permissions: readonly PermissionBody[], commandId: string): NewAccessEntry[] {
  return permissions.map(({ user_guid: userGuid = null, group_guid: groupGuid = null }) => {
    if ((userGuid === null) === (groupGuid === null)) {
      throw new DomainError(
        'invalid',
        'request.parameter_invalid',
        'Each of the permissions must have a user_guid or a group_guid, and not both.',
      )
    }
    const entry = { userGuid, groupGuid }
    return { ...entry, permissionGuid: createdGuid(commandId, `permission ${principalOf(entry)}`) }
  })
}

const permissionView = (permission: IntegrationPermission): PermissionView => ({
  id: permission.position,
  guid: permission.guid,
  integration_guid: permission.integrationGuid,
  user_guid: permission.userGuid,
  group_guid: permission.groupGuid,
})

export const integrationView = (integration: ListedIntegration): IntegrationView => ({
  id: integration.position,
  guid: integration.guid,
  created_time: toTime(integration.createdAt),
  updated_time: toTime(integration.updatedAt),
  name: integration.name,
  description: integration.description,
  template: integration.template,
  auth_type: integration.authType,
  config: integration.config,
  permissions: integration.permissions.map(permissionView),
})
