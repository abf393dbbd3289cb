import { type AuthType } from '#libs/contracts'
import type { Decider } from '#libs/event-sourcing'
import type { Config } from '../template/template.js'
import { principalOf, type AccessEntry } from './access-entry.js'
import type { IntegrationEvent } from './integration.events.js'
import { integrationNotFound } from './integration.refusals.js'
import { revise, type Configured, type Revision } from './revise.js'

/** An entry of an access list, with the guid that it gets unless it is there already. */
export interface NewAccessEntry extends AccessEntry {
  readonly permissionGuid: string
}

export type IntegrationCommand =
  | {
      type: 'CreateIntegration'
      template: string
      authType: AuthType
      name: string | null
      description: string | null
      /** Checked against the template, without its secrets. */
      config: Config
      clientSecretReference: string | null
      access: readonly NewAccessEntry[]
    }
  | {
      type: 'ChangeIntegration'
      name?: string | null | undefined
      description?: string | null | undefined
      /** Without secrets. */
      revision: Revision
      /** Where the vault keeps a new secret; absent when none was given. */
      clientSecretReference?: string
      /** Replaces the whole list. */
      access?: readonly NewAccessEntry[] | undefined
      loopback: boolean
    }
  | { type: 'RecordVerification'; error: string | null; succeeded: boolean }
  | { type: 'DeleteIntegration' }

export type Integration = { readonly status: 'unknown' } | Created | { readonly status: 'deleted' }

interface Created extends Configured {
  readonly status: 'created'
  readonly name: string | null
  readonly description: string | null
  /** The access list, by its entries' guids; empty means everybody who publishes. */
  readonly access: ReadonlyMap<string, AccessEntry>
}

export const integrationDecider: Decider<IntegrationCommand, IntegrationEvent, Integration> = {
  initial: { status: 'unknown' },

  decide(command, state) {
    switch (command.type) {
      case 'CreateIntegration': {
        if (state.status !== 'unknown') return []
        const { type: _, access, ...data } = command
        return [{ type: 'IntegrationCreated', data }, ...replaceAccess(access, new Map())]
      }
      case 'ChangeIntegration':
        return changeIntegration(command, created(state))
      case 'RecordVerification': {
        created(state)
        const { succeeded, error } = command
        return [{ type: 'IntegrationVerified', data: { succeeded, error } }]
      }
      case 'DeleteIntegration':
        created(state)
        return [{ type: 'IntegrationDeleted', data: {} }]
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'IntegrationCreated':
        return { status: 'created', ...event.data, access: new Map() }
      case 'IntegrationDescribed':
      case 'IntegrationConfigured':
      case 'ClientSecretReplaced':
        return { ...created(state), ...event.data }
      case 'IntegrationAccessGranted': {
        const { permissionGuid, ...entry } = event.data
        return withAccess(created(state), (access) => access.set(permissionGuid, entry))
      }
      case 'IntegrationAccessWithdrawn':
        return withAccess(created(state), (access) => access.delete(event.data.permissionGuid))
      case 'IntegrationVerified':
        return state
      case 'IntegrationDeleted':
        return { status: 'deleted' }
    }
  },
}

function created(state: Integration): Created {
  if (state.status !== 'created') throw integrationNotFound()
  return state
}

function changeIntegration(
  command: Extract<IntegrationCommand, { type: 'ChangeIntegration' }>,
  integration: Created,
): IntegrationEvent[] {
  const { revision, loopback, clientSecretReference: given = integration.clientSecretReference } = command
  const { name = integration.name, description = integration.description, access } = command
  const isSecretNew = command.clientSecretReference !== undefined
  const { config } = revise({ ...integration, clientSecretReference: given, isSecretNew }, revision, { loopback })
  const clientSecretReference = config.auth_mode === 'Public' ? null : given
  const events: IntegrationEvent[] = []
  if (name !== integration.name || description !== integration.description) {
    events.push({ type: 'IntegrationDescribed', data: { name, description } })
  }
  if (JSON.stringify(config) !== JSON.stringify(integration.config)) {
    events.push({ type: 'IntegrationConfigured', data: { config } })
  }
  if (clientSecretReference !== integration.clientSecretReference) {
    events.push({ type: 'ClientSecretReplaced', data: { clientSecretReference } })
  }
  return access ? [...events, ...replaceAccess(access, integration.access)] : events
}

/** An entry that stays keeps its guid; one that is named twice counts once. */
function replaceAccess(
  wanted: readonly NewAccessEntry[],
  current: ReadonlyMap<string, AccessEntry>,
): IntegrationEvent[] {
  const wantedByPrincipal = new Map(wanted.map((entry) => [principalOf(entry), entry]))
  const held = new Set([...current.values()].map(principalOf))
  return [
    ...[...current]
      .filter(([, entry]) => !wantedByPrincipal.has(principalOf(entry)))
      .map(
        ([permissionGuid, { userGuid, groupGuid }]) =>
          ({ type: 'IntegrationAccessWithdrawn', data: { permissionGuid, userGuid, groupGuid } }) as const,
      ),
    ...[...wantedByPrincipal]
      .filter(([principal]) => !held.has(principal))
      .map(
        ([, { permissionGuid, userGuid, groupGuid }]) =>
          ({ type: 'IntegrationAccessGranted', data: { permissionGuid, userGuid, groupGuid } }) as const,
      ),
  ]
}

function withAccess(integration: Created, change: (access: Map<string, AccessEntry>) => void): Created {
  const access = new Map(integration.access)
  change(access)
  return { ...integration, access }
}
