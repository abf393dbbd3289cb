import { eventHistoryContract } from '../../../../libs/event-sourcing/src/event-history.conformance.js'
import { userStream } from './user.stream.js'

describe('the events of users', () => {
  eventHistoryContract(
    userStream,
    {
      UserRegistered: true,
      ProfileChanged: true,
      RoleAssigned: true,
      MembershipsChanged: true,
      SessionBegun: true,
      SessionEnded: true,
      UserLocked: true,
      UserUnlocked: true,
      UserDeleted: true,
    },
    new URL('user.events.histories.json', import.meta.url),
  )
})
