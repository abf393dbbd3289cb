import { DomainError } from '#libs/contracts'
import type { Decider } from '#libs/event-sourcing'
import type { GroupEvent } from './group.events.js'

export type GroupCommand = { type: 'CreateGroup'; name: string; ownerGuid: string | null; uniqueId: string | null }

export type Group = { readonly status: 'unknown' } | { readonly status: 'deleted' } | Living

export interface Living {
  readonly status: 'living'
  readonly name: string
  readonly ownerGuid: string | null
  readonly uniqueId: string | null
}

export const groupDecider: Decider<GroupCommand, GroupEvent, Group> = {
  initial: { status: 'unknown' },

  decide({ name, ownerGuid, uniqueId }, state) {
    if (state.status !== 'unknown') return []
    return [{ type: 'GroupCreated', data: { name, ownerGuid, uniqueId } }]
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
