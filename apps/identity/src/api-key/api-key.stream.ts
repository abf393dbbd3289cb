import { defineStream } from '#libs/event-sourcing'
import { apiKeyDecider } from './api-key.decider.js'
import { apiKeys } from './api-key.projection.js'

export const apiKeyStream = defineStream({
  category: 'api_key',
  decider: apiKeyDecider,
  projections: [apiKeys],
  published: true,
})
