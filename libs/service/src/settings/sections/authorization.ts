import { IsIn } from 'class-validator'
import { ROLES, type Role } from '#libs/contracts'
import { Section, Setting } from '../setting.js'

@Section('Authorization', 'What people may do.')
export class AuthorizationSettings {
  @Setting('string', 'Role of a person who logs in for the first time: viewer, publisher or administrator.')
  @IsIn(ROLES, { message: `must be one of ${ROLES.join(', ')}` })
  defaultUserRole: Role = 'viewer'
}
