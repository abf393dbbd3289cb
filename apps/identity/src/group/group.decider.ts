import type { Decider } from '#libs/event-sourcing'
import type { GroupEvent } from './group.events.js'

export type GroupCommand = { type: 'CreateGroup'; name: string }

export type Group = { readonly status: 'unknown' } | { readonly status: 'living'; readonly name: string }

export const groupDecider: Decider<GroupCommand, GroupEvent, Group> = {
  initial: { status: 'unknown' },

  decide(command, state) {
    if (state.status === 'living') return []
    return [{ type: 'GroupCreated', data: { name: command.name } }]
  },

  evolve(_state, event) {
    return { status: 'living', name: event.data.name }
  },
}
