import { specification } from '#libs/event-sourcing'
import { integrationDecider } from './integration.decider.js'
import type { IntegrationEvent } from './integration.events.js'

const integration = specification(integrationDecider)

const data = {
  template: 'custom',
  authType: 'Viewer',
  name: 'Acme',
  description: null,
  config: { client_id: 'keybearer' },
  clientSecretReference: 'c0ffee00-0000-4000-8000-000000000000',
} as const
const created: IntegrationEvent = { type: 'IntegrationCreated', data }
const create = { type: 'CreateIntegration', ...data, access: [] } as const
const deleted: IntegrationEvent = { type: 'IntegrationDeleted', data: {} }

describe('an integration', () => {
  it('is created once', () => {
    integration.when(create).then(created)
    integration.given(created).when(create).thenNothing()
  })

  it('is deleted once', () => {
    integration.given(created).when({ type: 'DeleteIntegration' }).then(deleted)
  })

  it('may be deleted again, so that what follows elsewhere is resumed', () => {
    integration.given(created, deleted).when({ type: 'DeleteIntegration' }).thenNothing()
  })

  it('cannot be deleted before it exists', () => {
    integration.when({ type: 'DeleteIntegration' }).thenRefused('integration.not_found')
  })
})
