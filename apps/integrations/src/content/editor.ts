import { DomainError, type Person } from '#libs/contracts'
import { isEditing, roleOf } from './app-role.js'
import type { Permissions } from './permission.rules.js'

/** Somebody who wants to change a content item. */
export interface Editor extends Person {
  /** Those of their groups, alive, that the item lists as collaborators. */
  readonly groupGuids?: readonly string[]
}

interface Editable {
  readonly ownerGuid: string
  readonly permissions: Permissions
}

/** Owner, administrators, and collaborators who publish. */
export function mayEdit({ ownerGuid, permissions }: Editable, editor: Editor): boolean {
  const held = [editor.guid, ...(editor.groupGuids ?? [])].flatMap((guid) => permissions.get(guid)?.role ?? [])
  return isEditing(roleOf({ ownerGuid, accessType: 'acl' }, editor, held))
}

/**
 * What collaborators may not do: give the item away, lock it.
 * @throws DomainError `permission.denied`
 */
export function mustManage(content: Pick<Editable, 'ownerGuid'>, editor: Editor, what: string): void {
  if (isManager(content, editor)) return
  throw new DomainError('forbidden', 'permission.denied', `Only the owner or an administrator may ${what}.`)
}

const isManager = ({ ownerGuid }: Pick<Editable, 'ownerGuid'>, { guid, role }: Editor): boolean =>
  ownerGuid === guid || role === 'administrator'
