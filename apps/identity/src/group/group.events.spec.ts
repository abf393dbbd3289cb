import { eventHistoryContract } from '../../../../libs/event-sourcing/src/event-history.conformance.js'
import { groupStream } from './group.stream.js'

describe('the events of a group', () => {
  eventHistoryContract(
    groupStream,
    {
      GroupCreated: true,
      GroupRenamed: true,
      GroupOwnerChanged: true,
      GroupUniqueIdChanged: true,
      GroupDeleted: true,
    },
    new URL('group.events.histories.json', import.meta.url),
  )
})
