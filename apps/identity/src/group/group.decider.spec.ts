import { specification } from '#libs/event-sourcing'
import { groupDecider } from './group.decider.js'

const group = specification(groupDecider)

describe('creating a group', () => {
  const create = { type: 'CreateGroup', name: 'analysts', ownerGuid: null, uniqueId: null } as const
  const created = { type: 'GroupCreated', data: { name: 'analysts', ownerGuid: null, uniqueId: null } } as const

  it('is done once', () => {
    group.when(create).then(created)
    group.given(created).when(create).thenNothing()
  })
})
