import { defineStream } from '#libs/event-sourcing'
import { integrationDecider } from './integration.decider.js'
import { accessLists, integrations } from './integration.projection.js'

export const integrationStream = defineStream({
  category: 'integration',
  decider: integrationDecider,
  projections: [integrations, accessLists],
  published: true,
})
