import type { AccessType, AuthType } from '#libs/contracts'
import type { AppMode } from './app-mode.js'
import type { BelongingsEvent } from './belongings.js'

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
  /** Given to somebody else, by the operator. */
  | { type: 'ContentOwnerChanged'; data: { ownerGuid: string } }
  | { type: 'ContentDeleted'; data: Record<string, never> }
  | BelongingsEvent
