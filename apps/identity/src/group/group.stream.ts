import { defineStream } from '#libs/event-sourcing'
import { groupDecider } from './group.decider.js'
import { groups } from './group.projection.js'

export const groupStream = defineStream({
  category: 'group',
  decider: groupDecider,
  upcasters: { GroupCreated: { 1: (data: { name: string }) => ({ ...data, ownerGuid: null, uniqueId: null }) } },
  projections: [groups],
  published: true,
})
