import { IsIn } from 'class-validator'
import type { Role } from '#libs/contracts'
import { Section, Setting } from '../setting.js'

const GIVEN_BY_DEFAULT = ['viewer', 'publisher'] as const
const EDITORS = ['AdminAndSelf', 'Admin'] as const

@Section('Authorization', 'What people may do.')
export class AuthorizationSettings {
  @Setting('string', 'Role of a new account when nothing else gives one: viewer or publisher.')
  @IsIn(GIVEN_BY_DEFAULT, { message: `must be one of ${GIVEN_BY_DEFAULT.join(', ')}` })
  defaultUserRole: Role = 'viewer'

  @Setting('string', 'Who may edit those fields of a profile that the provider does not own: AdminAndSelf or Admin.')
  @IsIn(EDITORS, { message: `must be one of ${EDITORS.join(', ')}` })
  userInfoEditableBy: (typeof EDITORS)[number] = 'AdminAndSelf'

  @Setting('bool', 'Whether there are groups at all.')
  userGroups = true

  @Setting('bool', 'Whether each login takes the role from the claim OAuth2.RoleClaim.')
  userRoleMapping = false

  @Setting('bool', 'Whether each login takes the role from the groups of the person.')
  userRoleGroupMapping = false

  @Setting('string', 'Value of the claim, or group, that makes a viewer. Repeat the line for several.', { list: true })
  viewerRoleMapping: readonly string[] = []

  @Setting('string', 'Value of the claim, or group, that makes a publisher.', { list: true })
  publisherRoleMapping: readonly string[] = []

  @Setting('string', 'Value of the claim, or group, that makes an administrator.', { list: true })
  administratorRoleMapping: readonly string[] = []

  @Setting('bool', 'Whether the least privileged of several matches holds, rather than the most privileged.')
  userRoleMappingRestrictive = false

  @Setting('bool', 'Whether publishers may make groups; else only administrators may.')
  publishersCanOwnGroups = false

  @Setting('bool', 'Whether viewers find nobody but themselves among the people.')
  viewersCanOnlySeeThemselves = false

  /** Whether logins give roles; where they do, nobody else does. */
  get rolesAreMapped(): boolean {
    return this.userRoleMapping || this.userRoleGroupMapping
  }
}
