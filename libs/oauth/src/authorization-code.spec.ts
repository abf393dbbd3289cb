import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { acceptCode, authorizationRequest, CallbackError, readCallback } from './authorization-code.js'

const server = { authorization_endpoint: 'https://login.example.com/authorize', issuer: 'https://login.example.com' }
const client = { client_id: 'the client', scope: 'read write' }
const redirectUri = 'https://us.test/__oauth__/integrations/callback'

describe('an authorization request', () => {
  it('has PKCE S256 and a state, always', async () => {
    const { url, state, codeVerifier } = await authorizationRequest(server, client, redirectUri)
    const { origin, pathname, searchParams } = new URL(url)
    expect(origin + pathname).toBe(server.authorization_endpoint)
    expect(Object.fromEntries(searchParams)).toEqual({
      response_type: 'code',
      client_id: 'the client',
      redirect_uri: redirectUri,
      scope: 'read write',
      state,
      code_challenge: createHash('sha256').update(codeVerifier.reveal()).digest('base64url'),
      code_challenge_method: 'S256',
    })
    expect(state).toHaveLength(43)
    expect(codeVerifier.reveal()).toHaveLength(43)
    expect(inspect(codeVerifier)).toBe('[secret]')
  })

  it('is never the same twice', async () => {
    const [a, b] = [
      await authorizationRequest(server, client, redirectUri),
      await authorizationRequest(server, client, redirectUri),
    ]
    expect(a.state).not.toBe(b.state)
    expect(a.codeVerifier.reveal()).not.toBe(b.codeVerifier.reveal())
  })

  it('can have no scope', async () => {
    const { url } = await authorizationRequest(server, { ...client, scope: '' }, redirectUri)
    expect(new URL(url).searchParams.has('scope')).toBe(false)
  })

  it('B02 has our parameters exactly once, and keeps the endpoint’s others', async () => {
    const query =
      'access_type=offline&state=theirs&state=again&client_id=x&redirect_uri=https://evil.test&response_type=token'
    const { url, state } = await authorizationRequest(
      { authorization_endpoint: `${server.authorization_endpoint}?${query}` },
      client,
      redirectUri,
    )
    const { searchParams } = new URL(url)
    expect(searchParams.getAll('state')).toEqual([state])
    expect(searchParams.getAll('client_id')).toEqual(['the client'])
    expect(searchParams.getAll('redirect_uri')).toEqual([redirectUri])
    expect(searchParams.getAll('response_type')).toEqual(['code'])
    expect(searchParams.getAll('access_type')).toEqual(['offline'])
  })
})

describe('a callback', () => {
  const outcome = (
    query: string,
    authorizationServer: Parameters<typeof acceptCode>[1]['authorizationServer'] = server,
  ) => {
    try {
      return acceptCode(readCallback(new URLSearchParams(query)), { state: 's', authorizationServer }).reveal()
    } catch (error) {
      if (!(error instanceof CallbackError)) throw error
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('canary')
      return error.error ? `${error.reason}: ${error.error}` : error.reason
    }
  }
  const iss = 'iss=https://login.example.com'
  const promising = { ...server, authorization_response_iss_parameter_supported: true }

  it.each([
    ['gives its code', 'state=s&code=canary', 'canary'],
    ['gives its code with the right issuer', `state=s&code=canary&${iss}`, 'canary'],
    ['without state is malformed', 'code=canary', 'malformed'],
    ['with an empty state is malformed', 'state=&code=canary', 'malformed'],
    ['with two states is malformed', 'state=s&state=t&code=canary', 'malformed'],
    ['with two codes is malformed', 'state=s&code=canary&code=canary2', 'malformed'],
    ['with two issuers is malformed', `state=s&code=canary&${iss}&iss=x`, 'malformed'],
    ['with neither code nor error is malformed', 'state=s', 'malformed'],
    ['with code and error is malformed', 'state=s&code=canary&error=access_denied', 'malformed'],
    ['B11 with an endless state is malformed', `state=${'s'.repeat(5000)}&code=canary`, 'malformed'],
    ['B11 with another state is refused', 'state=t&code=canary', 'state_mismatch'],
    ['B07 of another issuer is refused', 'state=s&code=canary&iss=https://evil.test', 'issuer_mismatch'],
    ['B07 of an issuer that differs by a slash is refused', `state=s&code=canary&${iss}/`, 'issuer_mismatch'],
    [
      'with an error says which',
      `state=s&error=access_denied&error_description=canary&${iss}`,
      'refused: access_denied',
    ],
    [
      'with an error of another issuer believes nothing',
      'state=s&error=access_denied&iss=https://evil.test',
      'issuer_mismatch',
    ],
    ['with an error for another state believes nothing', 'state=t&error=access_denied', 'state_mismatch'],
    ['does not repeat a strange error', 'state=s&error=%3Cscript%3Ecanary', 'refused: unrecognised'],
  ])('%s', (_case, query, expected) => {
    expect(outcome(query)).toBe(expected)
  })

  it('B09 without an issuer is refused where one is promised', () => {
    expect(outcome('state=s&code=canary', promising)).toBe('issuer_missing')
    expect(outcome(`state=s&code=canary&${iss}`, promising)).toBe('canary')
  })

  it('with an issuer cannot be checked where none is known', () => {
    expect(outcome('state=s&code=canary&iss=https://any.test', {})).toBe('canary')
  })
})
