import { isAtLeast, type AccessType, type Person } from '#libs/contracts'
import type { PermissionRole } from './permission.rules.js'

/** What somebody is to a content item. Wire name: `app_role`. */
export type AppRole = 'owner' | 'editor' | 'viewer' | 'none'

interface Open {
  readonly ownerGuid: string
  readonly accessType: AccessType
}

/**
 * What the permissions that apply to somebody make of them. `none`: they do not even learn that the item exists.
 * @param held the roles of their own entry and of those of their groups
 */
export function roleOf(content: Open, caller: Person, held: readonly PermissionRole[]): AppRole {
  if (content.ownerGuid === caller.guid) return 'owner'
  if (isAtLeast(caller.role, 'administrator')) return 'editor'
  if (held.includes('owner') && isAtLeast(caller.role, 'publisher')) return 'editor'
  return held.length > 0 || content.accessType !== 'acl' ? 'viewer' : 'none'
}

export const isEditing = (role: AppRole): boolean => role === 'owner' || role === 'editor'
