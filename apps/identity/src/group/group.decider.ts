import { DomainError, permissionDenied } from '#libs/contracts'
import type { Decider } from '#libs/event-sourcing'
import { checkName, checkUniqueId, mayManage, type GroupEditor } from './group-rules.js'
import type { GroupEvent } from './group.events.js'

/** Absent: stays as it is. */
export interface GroupChanges {
  readonly name?: string
  readonly ownerGuid?: string | null
  readonly uniqueId?: string | null
}

export type GroupCommand =
  /** `ownerGuid`: null when a login makes it. */
  | { type: 'CreateGroup'; name: string; ownerGuid: string | null; uniqueId: string | null }
  /** `autoProvisioned`: whether logins make groups, which have no owners then. */
  | { type: 'ChangeGroup'; editor: GroupEditor; changes: GroupChanges; autoProvisioned: boolean }
  | { type: 'DeleteGroup'; editor: GroupEditor }

export type Group = { readonly status: 'unknown' } | { readonly status: 'deleted' } | Living

export interface Living {
  readonly status: 'living'
  readonly name: string
  readonly ownerGuid: string | null
  readonly uniqueId: string | null
}

export const groupDecider: Decider<GroupCommand, GroupEvent, Group> = {
  initial: { status: 'unknown' },

  decide(command, state) {
    switch (command.type) {
      case 'CreateGroup': {
        if (state.status !== 'unknown') return []
        const { name, ownerGuid, uniqueId } = command
        checkName(name)
        if (uniqueId !== null) checkUniqueId(uniqueId)
        return [{ type: 'GroupCreated', data: { name, ownerGuid, uniqueId } }]
      }
      case 'ChangeGroup':
        return change(command, living(state))
      case 'DeleteGroup':
        if (!mayManage(command.editor, living(state))) throw permissionDenied()
        return [{ type: 'GroupDeleted', data: {} }]
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'GroupCreated':
        return { status: 'living', ...event.data }
      case 'GroupRenamed':
      case 'GroupOwnerChanged':
      case 'GroupUniqueIdChanged':
        return { ...living(state), ...event.data }
      case 'GroupDeleted':
        return { status: 'deleted' }
    }
  },
}

/** @throws DomainError `group.not_found` */
export function living(state: Group): Living {
  if (state.status !== 'living') throw new DomainError('not_found', 'group.not_found', 'This group does not exist.')
  return state
}

function change(
  { editor, changes, autoProvisioned }: Extract<GroupCommand, { type: 'ChangeGroup' }>,
  group: Living,
): GroupEvent[] {
  if (!mayManage(editor, group)) throw permissionDenied()
  const { name, ownerGuid, uniqueId } = changes
  const events: GroupEvent[] = []
  if (name !== undefined && name !== group.name) {
    checkName(name)
    events.push({ type: 'GroupRenamed', data: { name } })
  }
  if (ownerGuid !== undefined && ownerGuid !== group.ownerGuid) {
    if (editor !== 'operator') checkOwner(ownerGuid, autoProvisioned)
    events.push({ type: 'GroupOwnerChanged', data: { ownerGuid } })
  }
  if (uniqueId !== undefined && uniqueId !== group.uniqueId) {
    if (editor !== 'operator') throw permissionDenied()
    if (uniqueId !== null) checkUniqueId(uniqueId)
    events.push({ type: 'GroupUniqueIdChanged', data: { uniqueId } })
  }
  return events
}

/** The provider's groups have no owner, all others have one: so each mode permits one direction only. */
function checkOwner(ownerGuid: string | null, autoProvisioned: boolean): void {
  if ((ownerGuid === null) === autoProvisioned) return
  throw new DomainError(
    'invalid',
    'group.owner_not_settable',
    autoProvisioned
      ? 'Logins make groups here (OAuth2.GroupsAutoProvision), and those have no owner: one can only be cleared.'
      : 'A group needs an owner here, since logins make none (OAuth2.GroupsAutoProvision): name another one.',
  )
}
