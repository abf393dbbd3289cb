import { eventHistoryContract } from '../../../../libs/event-sourcing/src/event-history.conformance.js'
import { integrationStream } from './integration.stream.js'

describe('the events of integrations', () => {
  eventHistoryContract(
    integrationStream,
    { IntegrationCreated: true, IntegrationDeleted: true },
    new URL('integration.events.histories.json', import.meta.url),
  )
})
