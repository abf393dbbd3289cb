import { isAtLeast, type Role } from '#libs/contracts'
import type { Content } from './content.entity.js'

/** What somebody is to a content item. Wire name: `app_role`. */
export type AppRole = 'owner' | 'editor' | 'viewer' | 'none'

/** Who asks. */
export interface Caller {
  readonly guid: string
  readonly role: Role
}

/** `none`: they do not even learn that it exists. */
export function roleOf(content: Content, caller: Caller): AppRole {
  if (content.ownerGuid === caller.guid) return 'owner'
  if (isAtLeast(caller.role, 'administrator')) return 'editor'
  return content.accessType === 'acl' ? 'none' : 'viewer'
}
