import { eventHistoryContract } from '../../../../libs/event-sourcing/src/event-history.conformance.js'
import { groupStream } from './group.stream.js'

describe('the events of a group', () => {
  eventHistoryContract(groupStream, { GroupCreated: true }, new URL('group.events.histories.json', import.meta.url))
})
