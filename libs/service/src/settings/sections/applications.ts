import { IsIn } from 'class-validator'
import { ACCESS_TYPES, isAtLeast, type AccessType, type Role } from '#libs/contracts'
import { Section, Setting } from '../setting.js'

const KNOWN = { message: `must be one of ${ACCESS_TYPES.join(', ')}` }

@Section(
  'Applications',
  'How far content may be opened. Whatever else Posit Connect has in this section is passed over.',
)
export class ApplicationsSettings {
  @Setting(
    'string',
    'The widest access that publishers may give content: all, logged_in or acl. What is wider already stays so.',
  )
  @IsIn(ACCESS_TYPES, KNOWN)
  mostPermissiveAccessType: AccessType = 'all'

  @Setting('string', 'The same for administrators.')
  @IsIn(ACCESS_TYPES, KNOWN)
  adminMostPermissiveAccessType: AccessType = 'all'

  /** The widest access that somebody of this role may give. */
  widestFor(role: Role): AccessType {
    return isAtLeast(role, 'administrator') ? this.adminMostPermissiveAccessType : this.mostPermissiveAccessType
  }
}
