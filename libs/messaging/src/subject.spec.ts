import { guidOf, guidOfStream, matches } from './subject.js'

describe('subjects and patterns', () => {
  it.each([
    ['integrations.content.*', 'integrations.content.6f2', true],
    ['integrations.content.*', 'integrations.content', false],
    ['integrations.content.*', 'integrations.content.6f2.v2', false],
    ['integrations.content.*', 'integrations.integration.6f2', false],
    ['*.heartbeat', 'identity.heartbeat', true],
    ['*.heartbeat', 'identity.user.heartbeat', false],
    ['identity.>', 'identity.user.6f2', true],
    ['identity.>', 'identity', false],
    ['identity.user.6f2', 'identity.user.6f2', true],
    ['identity.user', 'identity.user.6f2', false],
  ])('%s and %s: %s', (pattern, subject, expected) => {
    expect(matches(pattern, subject)).toBe(expected)
  })

  it('finds the guid behind a category with an underscore', () => {
    expect(guidOf('identity.api_key.6f2a-01')).toBe('6f2a-01')
    expect(guidOfStream('api_key-6f2a-01')).toBe('6f2a-01')
  })
})
