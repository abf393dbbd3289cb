import { AUDIT_SOURCES } from '#libs/contracts'
import type { AuditTable, AuditedLog } from '#libs/event-sourcing'
import type { ContentEvent } from '../content/content.events.js'
import type { IntegrationEvent } from '../integration/integration.events.js'
import type { TagEvent } from '../tag/tag.events.js'

const content = {
  ContentRegistered: ['add_content', 'ownerGuid', 'name', 'accessType'],
  ContentRenamed: ['edit_content', 'name'],
  ContentDescribed: ['edit_content', 'title'],
  AccessTypeChanged: ['edit_content_access', 'accessType'],
  AppModeChanged: ['edit_content', 'appMode'],
  UpstreamChanged: 'edit_content',
  IntegrationAssociated: ['add_oauth_association', 'integrationGuid', 'authType'],
  IntegrationDissociated: ['remove_oauth_association', 'integrationGuid'],
  RuntimeSettingsChanged: 'edit_content',
  ContentLocked: 'lock_content',
  ContentUnlocked: 'unlock_content',
  PermissionGranted: ['edit_content_access', 'principalGuid', 'principalType', 'role'],
  PermissionChanged: ['edit_content_access', 'principalGuid', 'role'],
  PermissionRevoked: ['edit_content_access', 'principalGuid'],
  ShareLinkCreated: ['add_content_share_link', 'linkGuid', 'expiresAt'],
  ShareLinkRevoked: ['remove_content_share_link', 'linkGuid'],
  ContentOwnerChanged: ['edit_content', 'ownerGuid'],
  ContentDeleted: 'remove_content',
  VanityPathChanged: ['edit_content_vanity', 'vanityPath'],
  EnvironmentChanged: ['edit_content_environment', 'added', 'removed'],
  RepositoryChanged: 'edit_content',
  TagsChanged: ['edit_content_tags', 'added', 'removed'],
  BundleUploaded: ['add_bundle', 'bundleGuid', 'size', 'sha256', 'appMode'],
  BundleDeployed: ['deploy_bundle', 'bundleGuid'],
  BundleDeleted: ['remove_bundle', 'bundleGuid'],
} as const satisfies AuditTable<ContentEvent>

const integration = {
  IntegrationCreated: ['add_oauth_integration', 'template', 'authType', 'name'],
  IntegrationDescribed: ['edit_oauth_integration', 'name', 'description'],
  IntegrationConfigured: 'edit_oauth_integration',
  ClientSecretReplaced: ['edit_oauth_integration', 'clientSecretReference'],
  IntegrationAccessGranted: ['edit_oauth_integration_access', 'userGuid', 'groupGuid'],
  IntegrationAccessWithdrawn: ['edit_oauth_integration_access', 'userGuid', 'groupGuid'],
  IntegrationVerified: ['verify_oauth_integration', 'succeeded', 'error'],
  IntegrationDeleted: 'remove_oauth_integration',
} as const satisfies AuditTable<IntegrationEvent>

const tag = {
  TagAdded: ['add_tag', 'tagGuid', 'name', 'parentGuid'],
  TagRenamed: ['edit_tag', 'tagGuid', 'name'],
  TagMoved: ['edit_tag', 'tagGuid', 'parentGuid'],
  TagsRemoved: ['remove_tag', 'tagGuids'],
} as const satisfies AuditTable<TagEvent>

/** What the audit log says of this service's events: whatever can happen has an action. */
export const audited: readonly AuditedLog[] = [
  { source: AUDIT_SOURCES.integrations, actions: { content, integration, tag } },
]
