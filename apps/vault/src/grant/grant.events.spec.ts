import { eventHistoryContract } from '../../../../libs/event-sourcing/src/event-history.conformance.js'
import { grantStream } from './grant.stream.js'

describe('the events of grants', () => {
  eventHistoryContract(
    grantStream,
    {
      GrantObtained: true,
      RefreshBegun: true,
      TokenRefreshed: true,
      RefreshFailed: true,
      RefreshInDoubt: true,
      ConsentRequired: true,
      GrantRevoked: true,
    },
    new URL('grant.events.histories.json', import.meta.url),
  )
})
