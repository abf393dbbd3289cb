import { eventHistoryContract } from '../../../../libs/event-sourcing/src/event-history.conformance.js'
import { apiKeyStream } from './api-key.stream.js'

describe('the events of an API key', () => {
  eventHistoryContract(
    apiKeyStream,
    { ApiKeyCreated: true, ApiKeyDeleted: true },
    new URL('api-key.events.histories.json', import.meta.url),
  )
})
