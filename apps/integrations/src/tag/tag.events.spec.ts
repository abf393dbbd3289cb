import { eventHistoryContract } from '../../../../libs/event-sourcing/src/event-history.conformance.js'
import { tagStream } from './tag.stream.js'

describe('the events of tags', () => {
  eventHistoryContract(
    tagStream,
    { TagAdded: true, TagRenamed: true, TagMoved: true, TagsRemoved: true },
    new URL('tag.events.histories.json', import.meta.url),
  )
})
