import { eventHistoryContract } from '../../../../libs/event-sourcing/src/event-history.conformance.js'
import { integrationStream } from './integration.stream.js'

describe('the events of integrations', () => {
  eventHistoryContract(
    integrationStream,
    {
      IntegrationCreated: true,
      IntegrationDescribed: true,
      IntegrationConfigured: true,
      ClientSecretReplaced: true,
      IntegrationAccessGranted: true,
      IntegrationAccessWithdrawn: true,
      IntegrationVerified: true,
      IntegrationDeleted: true,
    },
    new URL('integration.events.histories.json', import.meta.url),
  )
})
