import { eventHistoryContract } from '../../../../libs/event-sourcing/src/event-history.conformance.js'
import { contentStream } from './content.stream.js'

describe('the events of content', () => {
  eventHistoryContract(
    contentStream,
    {
      ContentRegistered: true,
      ContentRenamed: true,
      ContentDescribed: true,
      AccessTypeChanged: true,
      AppModeChanged: true,
      UpstreamChanged: true,
      IntegrationAssociated: true,
      IntegrationDissociated: true,
      PermissionGranted: true,
      PermissionChanged: true,
      PermissionRevoked: true,
      RuntimeSettingsChanged: true,
      ContentLocked: true,
      ContentUnlocked: true,
      ShareLinkCreated: true,
      ShareLinkRevoked: true,
      ContentOwnerChanged: true,
      ContentDeleted: true,
      VanityPathChanged: true,
      EnvironmentChanged: true,
      RepositoryChanged: true,
      TagsChanged: true,
      BundleUploaded: true,
      BundleDeployed: true,
      BundleDeleted: true,
    },
    new URL('content.events.histories.json', import.meta.url),
  )
})
