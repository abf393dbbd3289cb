import { AUDIT_SOURCES } from '#libs/contracts'
import type { AuditTable, AuditedLog } from '#libs/event-sourcing'
import type { ApiKeyEvent } from '../api-key/api-key.events.js'
import type { GroupEvent } from '../group/group.events.js'
import type { UserEvent } from '../user/user.events.js'

const user = {
  UserRegistered: ['add_user', 'origin'],
  ProfileChanged: ['edit_user', 'fields'],
  RoleAssigned: ['edit_user_role', 'role', 'reason'],
  MembershipsChanged: ['edit_user_groups', 'added', 'removed'],
  SessionBegun: 'user_login',
  SessionEnded: ['user_logout', 'reason'],
  UserLocked: 'lock_user',
  UserUnlocked: 'unlock_user',
  UserDeleted: 'remove_user',
} as const satisfies AuditTable<UserEvent>

const group = {
  GroupCreated: ['add_group', 'name', 'ownerGuid', 'uniqueId'],
  GroupRenamed: ['rename_group', 'name'],
  GroupOwnerChanged: ['edit_group_owner', 'ownerGuid'],
  GroupUniqueIdChanged: ['edit_group_unique_id', 'uniqueId'],
  GroupDeleted: 'remove_group',
} as const satisfies AuditTable<GroupEvent>

const apiKey = {
  ApiKeyCreated: ['add_api_key', 'userGuid', 'role', 'expiresAt', 'contentGuid'],
  ApiKeyDeleted: 'remove_api_key',
} as const satisfies AuditTable<ApiKeyEvent>

/** What the audit log says of this service's events: whatever can happen has an action. */
export const audited: readonly AuditedLog[] = [
  { source: AUDIT_SOURCES.identity, actions: { user, group, api_key: apiKey } },
]
