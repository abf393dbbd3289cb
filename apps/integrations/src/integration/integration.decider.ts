import { DomainError, type AuthType } from '#libs/contracts'
import type { Decider } from '#libs/event-sourcing'
import type { Config } from '../template/template.js'
import type { IntegrationEvent } from './integration.events.js'

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
    }
  | { type: 'DeleteIntegration' }

export type Integration =
  | { readonly status: 'unknown' }
  | { readonly status: 'created'; readonly template: string }
  | { readonly status: 'deleted' }

export const integrationDecider: Decider<IntegrationCommand, IntegrationEvent, Integration> = {
  initial: { status: 'unknown' },

  decide(command, state) {
    switch (command.type) {
      case 'CreateIntegration': {
        if (state.status !== 'unknown') return []
        const { type: _, ...data } = command
        return [{ type: 'IntegrationCreated', data }]
      }
      case 'DeleteIntegration':
        if (state.status === 'unknown')
          throw new DomainError('not_found', 'integration.not_found', 'This OAuth integration does not exist.')
        // Once more is no mistake: what follows in other streams may have been cut short the first time.
        return state.status === 'deleted' ? [] : [{ type: 'IntegrationDeleted', data: {} }]
    }
  },

  evolve(_, event) {
    switch (event.type) {
      case 'IntegrationCreated':
        return { status: 'created', template: event.data.template }
      case 'IntegrationDeleted':
        return { status: 'deleted' }
    }
  },
}
