import { fateOf, TokenEndpointError, type Fate } from './errors.js'

describe('the fate of a refused refresh', () => {
  it.each<[string | undefined, Fate]>([
    ['invalid_grant', 'consent_required'],
    ['interaction_required', 'consent_required'],
    ['consent_required', 'consent_required'],
    ['login_required', 'consent_required'],
    ['invalid_client', 'misconfigured'],
    ['unauthorized_client', 'misconfigured'],
    ['invalid_scope', 'misconfigured'],
    ['invalid_target', 'misconfigured'],
    ['invalid_resource', 'misconfigured'],
    ['invalid_request', 'misconfigured'],
    ['unsupported_grant_type', 'misconfigured'],
    ['temporarily_unavailable', 'retry'],
    ['server_error', 'retry'],
    ['slow_down', 'retry'],
    ['anything else', 'retry'],
    ['', 'retry'],
    ['__proto__', 'retry'],
    [undefined, 'retry'],
  ])('%s → %s', (error, fate) => {
    expect(fateOf(error)).toBe(fate)
  })
})

describe('the error of a token endpoint', () => {
  it('says the code and the status', () => {
    const fault = { fate: 'consent_required', reason: 'refused', inDoubt: false, sent: true } as const
    expect(new TokenEndpointError({ ...fault, error: 'invalid_grant', status: 400 }).message).toBe(
      'token endpoint: invalid_grant (400)',
    )
    expect(new TokenEndpointError({ ...fault, reason: 'timed_out' }).message).toBe('token endpoint: timed_out')
  })
})
