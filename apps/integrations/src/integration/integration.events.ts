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
  | { type: 'IntegrationDeleted'; data: Record<string, never> }
