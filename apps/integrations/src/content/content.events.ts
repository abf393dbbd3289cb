import type { AccessType, AuthType } from '#libs/contracts'
import type { AppMode } from './app-mode.js'
import type { BelongingsEvent } from './belongings.js'
import type { PermissionRole, PrincipalType } from './permission.rules.js'
import type { RuntimeSettings } from './runtime-settings.js'

/** Everything that can have happened to a content item. Append-only: add an event or a version, never edit one. */
export type ContentEvent =
  | {
      type: 'ContentRegistered'
      data: { ownerGuid: string; name: string; title: string | null; description: string; accessType: AccessType }
    }
  | { type: 'ContentRenamed'; data: { name: string } }
  | { type: 'ContentDescribed'; data: { title: string | null; description: string } }
  | { type: 'AccessTypeChanged'; data: { accessType: AccessType } }
  | { type: 'AppModeChanged'; data: { appMode: AppMode } }
  | { type: 'UpstreamChanged'; data: { upstreamUrl: string | null } }
  | { type: 'IntegrationAssociated'; data: { integrationGuid: string; authType: AuthType } }
  | { type: 'IntegrationDissociated'; data: { integrationGuid: string } }
  | { type: 'PermissionGranted'; data: { principalGuid: string; principalType: PrincipalType; role: PermissionRole } }
  | { type: 'PermissionChanged'; data: { principalGuid: string; role: PermissionRole } }
  | { type: 'PermissionRevoked'; data: { principalGuid: string } }
  /** Only what differs; kept for whoever runs the content. */
  | { type: 'RuntimeSettingsChanged'; data: { settings: Partial<RuntimeSettings> } }
  /** Again with another message when only that changes. `byAdministrator`: one who does not own it. */
  | { type: 'ContentLocked'; data: { message: string; byAdministrator?: true } }
  | { type: 'ContentUnlocked'; data: Record<string, never> }
  /** `tokenHash`: SHA-256 of the token, which is random and never written down. */
  | { type: 'ShareLinkCreated'; data: { linkGuid: string; tokenHash: string; expiresAt: string | null } }
  | { type: 'ShareLinkRevoked'; data: { linkGuid: string } }
  /** Given to somebody else; whoever owns it has no permission of their own. */
  | { type: 'ContentOwnerChanged'; data: { ownerGuid: string } }
  | { type: 'ContentDeleted'; data: Record<string, never> }
  | BelongingsEvent
