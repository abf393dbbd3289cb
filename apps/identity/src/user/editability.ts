import { DomainError, permissionDenied, type Role } from '#libs/contracts'
import type { AuthorizationSettings, OAuth2Settings } from '#libs/service'
import type { Profile } from './profile.js'
import type { Editor } from './user.decider.js'

/** Who may change a field here. `provider`: nobody, since each login takes it from the provider. */
export type EditableBy = 'provider' | 'adminandself' | 'admin'

/** What of a person may be changed by the API. */
export type EditableField = Exclude<keyof Profile, 'externalId'> | 'role'
export type Editability = Readonly<Record<EditableField, EditableBy>>

/**
 * Who may change what, by the settings alone: a field that a claim is configured for is the provider's, even while the
 * claim comes back blank.
 */
export function editability(oauth2: OAuth2Settings, authorization: AuthorizationSettings): Editability {
  const ours = authorization.userInfoEditableBy === 'Admin' ? 'admin' : 'adminandself'
  const unlessClaimed = (claim: string): EditableBy => (claim === '' ? ours : 'provider')
  return {
    username: oauth2.usernamesAreEditable ? ours : 'provider',
    firstName: unlessClaimed(oauth2.firstNameClaim),
    lastName: unlessClaimed(oauth2.lastNameClaim),
    email: unlessClaimed(oauth2.emailClaim),
    role: authorization.rolesAreMapped ? 'provider' : 'admin',
  }
}

const BY_STRICTNESS: readonly EditableBy[] = ['adminandself', 'admin', 'provider']

/** Who may change both of two fields. */
export const stricter = (a: EditableBy, b: EditableBy): EditableBy =>
  BY_STRICTNESS.indexOf(a) > BY_STRICTNESS.indexOf(b) ? a : b

/** What an editor wants somebody to be; absent members stay as they are. */
export type Wanted = Partial<Record<Exclude<EditableField, 'role'>, string>> & { readonly role?: Role }

/**
 * Refuses a change that this editor may not make. The operator may make every one.
 * @throws DomainError `permission.denied`, `user.username_of_provider`, `user.field_of_provider`, `role.of_provider`,
 *   `role.not_grantable`
 */
export function mustBeEditable(
  editable: Editability,
  editor: Editor,
  guid: string,
  before: Profile & { readonly role: Role },
  wanted: Wanted,
): void {
  if (editor === 'operator') return
  const rules = editor.role === 'administrator'
  for (const field of Object.keys(wanted) as EditableField[]) {
    if (wanted[field] === undefined || wanted[field] === before[field]) continue
    const by = editable[field]
    if (field === 'role' && !rules) {
      throw new DomainError('forbidden', 'role.not_grantable', 'Only an administrator may give roles.')
    }
    if (by === 'provider') throw ofProvider(field)
    if (!rules && (by === 'admin' || editor.guid !== guid)) throw permissionDenied()
  }
}

function ofProvider(field: EditableField): DomainError {
  switch (field) {
    case 'role':
      return new DomainError(
        'forbidden',
        'role.of_provider',
        'Roles come from the login provider at each login; change them there.',
      )
    case 'username':
      return new DomainError(
        'invalid',
        'user.username_of_provider',
        'The login provider owns the username; change it there.',
      )
    default:
      return new DomainError(
        'invalid',
        'user.field_of_provider',
        'The login provider owns this field; change it there.',
      )
  }
}
