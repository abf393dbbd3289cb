import { eventHistoryContract } from '../../../../libs/event-sourcing/src/event-history.conformance.js'
import { apiKeyStream } from '../api-key/api-key.stream.js'
import { groupStream } from '../group/group.stream.js'
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
    },
    new URL('user.events.histories.json', import.meta.url),
  )
})

describe('the events of groups', () => {
  eventHistoryContract(
    groupStream,
    { GroupCreated: true },
    new URL('../group/group.events.histories.json', import.meta.url),
  )
})

describe('the events of API keys', () => {
  eventHistoryContract(
    apiKeyStream,
    { ApiKeyCreated: true, ApiKeyDeleted: true },
    new URL('../api-key/api-key.events.histories.json', import.meta.url),
  )
})
