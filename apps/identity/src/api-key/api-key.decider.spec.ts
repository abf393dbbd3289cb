import { specification } from '#libs/event-sourcing'
import { apiKeyDecider, type ApiKeyCommand } from './api-key.decider.js'
import type { ApiKeyEvent } from './api-key.events.js'

const apiKey = specification(apiKeyDecider)

const create = (changes: Partial<Extract<ApiKeyCommand, { type: 'CreateApiKey' }>> = {}): ApiKeyCommand => ({
  type: 'CreateApiKey',
  now: new Date('2026-11-22T10:00:00Z'),
  userGuid: 'priya',
  ownRole: 'publisher',
  name: 'laptop',
  role: 'publisher',
  expiresAt: null,
  contentGuid: null,
  ...changes,
})
const created: ApiKeyEvent = {
  type: 'ApiKeyCreated',
  data: { userGuid: 'priya', name: 'laptop', role: 'publisher', expiresAt: null, contentGuid: null },
}
const deleted: ApiKeyEvent = { type: 'ApiKeyDeleted', data: {} }

describe('creating an API key', () => {
  it('records whose it is and what it may do, and nothing to use it with', () => {
    apiKey.when(create({ name: ' laptop ' })).then(created)
  })

  it('records the content that it is bound to', () => {
    const contentGuid = 'report'
    apiKey.when(create({ contentGuid })).then({ ...created, data: { ...created.data, contentGuid } })
  })

  it('refuses a blank name', () => {
    apiKey.when(create({ name: '  ' })).thenRefused('api_key.name_blank')
  })

  it('refuses more than one’s own role', () => {
    apiKey.when(create({ role: 'administrator' })).thenRefused('api_key.role')
  })

  it('refuses an end that is over', () => {
    apiKey.when(create({ expiresAt: new Date('2026-11-22T10:00:00Z') })).thenRefused('request.parameter_invalid')
  })

  it('does nothing the second time, not even after it was deleted', () => {
    apiKey.given(created).when(create()).thenNothing()
    apiKey.given(created, deleted).when(create()).thenNothing()
  })
})

describe('deleting an API key', () => {
  it('is done once', () => {
    apiKey.given(created).when({ type: 'DeleteApiKey' }).then(deleted)
    apiKey.given(created, deleted).when({ type: 'DeleteApiKey' }).thenNothing()
  })

  it('needs a key', () => {
    apiKey.when({ type: 'DeleteApiKey' }).thenRefused('api_key.not_found')
  })
})
