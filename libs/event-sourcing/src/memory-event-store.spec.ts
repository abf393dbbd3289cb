import { eventStoreContract } from './event-store.conformance.js'
import { MemoryEventStore } from './memory-event-store.js'

describe('the event store in memory', () => {
  eventStoreContract(() => new MemoryEventStore())
})
