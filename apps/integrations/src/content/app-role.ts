import { isAtLeast, type Person } from '#libs/contracts'
import type { Content } from './content.entity.js'

/** What somebody is to a content item. Wire name: `app_role`. */
export type AppRole = 'owner' | 'editor' | 'viewer' | 'none'

/** `none`: they do not even learn that it exists. */
export function roleOf(content: Content, caller: Person): AppRole {
  if (content.ownerGuid === caller.guid) return 'owner'
  if (isAtLeast(caller.role, 'administrator')) return 'editor'
  return content.accessType === 'acl' ? 'none' : 'viewer'
}
