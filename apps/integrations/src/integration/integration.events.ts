import type { AuthType } from '#libs/contracts'
import type { Config } from '../template/template.js'

/**
 * Everything that can have happened to an integration. Append-only: add an event or a version, never edit one. A config
 * here is without its secret fields; `clientSecretReference` names the place in the vault's safe.
 */
export type IntegrationEvent =
  | {
      type: 'IntegrationCreated'
      data: {
        template: string
        authType: AuthType
        name: string | null
        description: string | null
        config: Config
        clientSecretReference: string | null
      }
    }
  | { type: 'IntegrationDescribed'; data: { name: string | null; description: string | null } }
  | { type: 'IntegrationConfigured'; data: { config: Config } }
  /** The secret of before is no longer named and may be destroyed; `null`: none is needed any more. */
  | { type: 'ClientSecretReplaced'; data: { clientSecretReference: string | null } }
  /** One more entry of the access list; one of the two guids is set. */
  | {
      type: 'IntegrationAccessGranted'
      data: { permissionGuid: string; userGuid: string | null; groupGuid: string | null }
    }
  | {
      type: 'IntegrationAccessWithdrawn'
      data: { permissionGuid: string; userGuid: string | null; groupGuid: string | null }
    }
  /** A token was asked for and thrown away; `error` is the provider's or our own word for what went wrong. */
  | { type: 'IntegrationVerified'; data: { succeeded: boolean; error: string | null } }
  | { type: 'IntegrationDeleted'; data: Record<string, never> }
