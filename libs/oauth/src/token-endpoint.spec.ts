import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { Secret, type ClientRegistration, type Quirk } from '#libs/contracts'
import { TokenEndpointError, type TokenEndpointFault } from './errors.js'
import { Outbound } from './outbound.js'
import {
  redeemCode,
  refreshTokens,
  requestClientCredentials,
  revokeToken,
  type Provider,
  type TokenResponse,
} from './token-endpoint.js'

/** Each of these is sent; none may be seen in an error. */
const CLIENT_SECRET = 'canary-client-secret'
const REFRESH_TOKEN = 'canary-refresh-token'
const CODE = 'canary-code'
const VERIFIER = 'canary-verifier-canary-verifier-canary-verifier'

interface Asked {
  readonly method: string
  readonly body: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly form: URLSearchParams
}
type Answer = (response: ServerResponse) => void

let server: Server
let asked: Asked[] = []
let answer: Answer
let issuer: string
const outbound = new Outbound({ loopback: true, deadlineMs: 300 })

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      asked.push({ method, path: url, headers, body, form: new URLSearchParams(body) })
      answer(response)
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  await outbound.close()
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
})
beforeEach(() => {
  asked = []
})

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
const text =
  (status: number, contentType: string, body: string): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': contentType }).end(body)

function provider(
  method: ClientRegistration['token_endpoint_auth_method'] = 'client_secret_basic',
  quirks: Quirk[] = [],
  secret = CLIENT_SECRET,
): Provider {
  return {
    authorizationServer: { token_endpoint: `${issuer}/token`, revocation_endpoint: `${issuer}/revoke` },
    client: {
      client_id: 'the client',
      token_endpoint_auth_method: method,
      scope: 'read write',
      client_secret_reference: null,
    },
    clientSecret: method === 'none' ? undefined : new Secret(secret),
    quirks,
  }
}

const refresh = (at = provider()) => refreshTokens(outbound, at, new Secret(REFRESH_TOKEN))

async function fault(attempt: Promise<unknown>): Promise<TokenEndpointFault> {
  const error = await attempt.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(error instanceof TokenEndpointError)) throw new Error('no TokenEndpointError', { cause: error })
  for (const print of [inspect(error, { depth: 20, showHidden: true }), JSON.stringify(error), String(error.stack)]) {
    expect(print).not.toContain('canary')
  }
  const { fate, reason, error: code, status, inDoubt, sent, retryAfterSeconds } = error
  return Object.fromEntries(
    Object.entries({ fate, reason, error: code, status, inDoubt, sent, retryAfterSeconds }).filter(
      ([, value]) => value !== undefined,
    ),
  ) as unknown as TokenEndpointFault
}

const plain = ({ accessToken, refreshToken, idToken, ...rest }: TokenResponse) => ({
  ...rest,
  accessToken: accessToken.reveal(),
  ...(refreshToken && { refreshToken: refreshToken.reveal() }),
  ...(idToken && { idToken: idToken.reveal() }),
})

describe('a token request', () => {
  const tokens = json(200, { access_token: 'canary-access', token_type: 'bearer' })

  it('redeems a code with its verifier', async () => {
    answer = tokens
    const grant = {
      code: new Secret(CODE),
      codeVerifier: new Secret(VERIFIER),
      redirectUri: 'https://us.test/callback',
    }
    await redeemCode(outbound, provider('client_secret_post'), grant)
    expect(Object.fromEntries(asked[0]?.form ?? [])).toEqual({
      grant_type: 'authorization_code',
      code: CODE,
      code_verifier: VERIFIER,
      redirect_uri: 'https://us.test/callback',
      client_id: 'the client',
      client_secret: CLIENT_SECRET,
    })
    expect(asked[0]?.headers).toMatchObject({
      accept: 'application/json',
      'accept-encoding': 'identity',
      'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
    })
    expect(asked[0]?.headers.authorization).toBeUndefined()
  })

  it('refreshes', async () => {
    answer = tokens
    await refresh(provider('none'))
    expect(Object.fromEntries(asked[0]?.form ?? [])).toEqual({
      grant_type: 'refresh_token',
      refresh_token: REFRESH_TOKEN,
      client_id: 'the client',
    })
    expect(asked[0]?.headers.authorization).toBeUndefined()
  })

  it('asks for client credentials with the registered scope', async () => {
    answer = tokens
    await requestClientCredentials(outbound, provider())
    expect(Object.fromEntries(asked[0]?.form ?? [])).toEqual({ grant_type: 'client_credentials', scope: 'read write' })
    await requestClientCredentials(outbound, { ...provider(), client: { ...provider().client, scope: '' } })
    expect(Object.fromEntries(asked[1]?.form ?? [])).toEqual({ grant_type: 'client_credentials' })
  })

  it.each(['c:r e%t+ü&=', 'plain', '~!*()\'"\\-_.'])('B21 carries the secret %j over either way', async (secret) => {
    answer = tokens
    await refresh(provider('client_secret_basic', [], secret))
    await refresh(provider('client_secret_post', [], secret))
    const basic = Buffer.from(asked[0]?.headers.authorization?.replace('Basic ', '') ?? '', 'base64').toString()
    // RFC 6749 §2.3.1: each half is form-encoded before they are joined.
    const [id, password] = basic.split(':').map((half) => new URLSearchParams(`x=${half}`).get('x'))
    expect([id, password]).toEqual(['the client', secret])
    expect(asked[1]?.form.get('client_secret')).toBe(secret)
  })

  it.each<[string, Quirk[], string]>([
    ['what has to be', [], 'the+client:a-b_c.d%2B%2F%3D'],
    ['nothing, by the quirk unencoded_basic_credentials', ['unencoded_basic_credentials'], 'the client:a-b_c.d+/='],
  ])('encodes for HTTP Basic %s', async (_case, quirks, credentials) => {
    answer = json(200, { access_token: 'a' })
    await refresh(provider('client_secret_basic', quirks, 'a-b_c.d+/='))
    const [, encoded] = asked[0]?.headers.authorization?.split(' ') ?? []
    expect(Buffer.from(encoded ?? '', 'base64').toString()).toBe(credentials)
  })

  it('revokes', async () => {
    answer = (response) => response.writeHead(200).end()
    expect(await revokeToken(outbound, provider(), new Secret(REFRESH_TOKEN), 'refresh_token')).toBe(true)
    expect(asked[0]?.path).toBe('/revoke')
    expect(Object.fromEntries(asked[0]?.form ?? [])).toEqual({ token: REFRESH_TOKEN, token_type_hint: 'refresh_token' })
  })

  it('revokes by DELETE, and access tokens only, where the quirk says so', async () => {
    answer = (response) => response.writeHead(204).end()
    const peculiar = provider('client_secret_post', ['revocation_by_delete'])
    const token = new Secret('canary-access-token')
    expect(await revokeToken(outbound, peculiar, new Secret(REFRESH_TOKEN), 'refresh_token')).toBe(false)
    expect(asked).toEqual([])
    expect(await revokeToken(outbound, peculiar, token, 'access_token')).toBe(true)
    expect(asked[0]).toMatchObject({
      method: 'DELETE',
      path: '/revoke',
      body: '{"access_token":"canary-access-token"}',
      headers: { authorization: `Basic ${Buffer.from(`the client:${CLIENT_SECRET}`).toString('base64')}` },
    })
    answer = json(404, { message: 'Not Found' })
    expect(await revokeToken(outbound, peculiar, token, 'access_token')).toBe(true)
    answer = json(401, { message: 'Bad credentials' })
    expect(await fault(revokeToken(outbound, peculiar, token, 'access_token'))).toMatchObject({ status: 401 })
  })

  it('B20 says that a provider cannot revoke, or did not', async () => {
    const { authorizationServer, ...rest } = provider()
    const without = { ...rest, authorizationServer: { token_endpoint: authorizationServer.token_endpoint } }
    expect(await revokeToken(outbound, without, new Secret(REFRESH_TOKEN), 'refresh_token')).toBe(false)
    expect(asked).toEqual([])
    answer = text(503, 'text/plain', 'later')
    expect(await fault(revokeToken(outbound, provider(), new Secret(REFRESH_TOKEN), 'refresh_token'))).toMatchObject({
      fate: 'retry',
      status: 503,
    })
  })
})

describe('tokens are understood', () => {
  it.each<[string, Answer, object]>([
    [
      'as the RFC has them',
      json(200, { access_token: 'a', token_type: 'Bearer', refresh_token: 'r', expires_in: 60, scope: 's' }),
      { accessToken: 'a', refreshToken: 'r', expiresIn: 60, scope: 's', tokenType: 'Bearer' },
    ],
    ['without token_type', json(200, { access_token: 'a' }), { accessToken: 'a', tokenType: 'Bearer' }],
    [
      'of a type unheard of',
      json(200, { access_token: 'a', token_type: 'user' }),
      { accessToken: 'a', tokenType: 'user' },
    ],
    [
      'with an ID token that we did not ask for',
      json(200, { access_token: 'a', id_token: 'not.a.jwt' }),
      { accessToken: 'a', idToken: 'not.a.jwt', tokenType: 'Bearer' },
    ],
    [
      'as a form',
      text(200, 'application/x-www-form-urlencoded', 'access_token=a%2Bb&expires_in=60&token_type=bearer'),
      { accessToken: 'a+b', expiresIn: 60, tokenType: 'Bearer' },
    ],
    [
      'as JSON that says it is text, with a lifetime as text',
      text(200, 'text/plain', '{"access_token":"a","expires_in":"60"}'),
      { accessToken: 'a', expiresIn: 60, tokenType: 'Bearer' },
    ],
    ['with status 201', json(201, { access_token: 'a' }), { accessToken: 'a', tokenType: 'Bearer' }],
    [
      'B14 that are said to live 0 seconds: an hour, not for ever',
      json(200, { access_token: 'a', expires_in: 0 }),
      { accessToken: 'a', expiresIn: 3600, tokenType: 'Bearer' },
    ],
  ])('%s', async (_case, given, expected) => {
    answer = given
    expect(plain(await refresh())).toEqual(expected)
  })

  it('and print as secrets', async () => {
    answer = json(200, { access_token: 'canary-a', refresh_token: 'canary-r', id_token: 'canary-i' })
    const tokens = await refresh()
    expect(inspect(tokens, { depth: 20, showHidden: true }) + JSON.stringify(tokens)).not.toContain('canary')
  })
})

describe('R10 a token endpoint that gives no tokens', () => {
  const refused = { reason: 'refused', sent: true, inDoubt: false }
  const inDoubt = { fate: 'retry', sent: true, inDoubt: true }

  it.each<[string, Answer, object, Quirk[]?]>([
    [
      'refuses the grant',
      json(400, { error: 'invalid_grant', error_description: `canary ${REFRESH_TOKEN}`, refresh_token: REFRESH_TOKEN }),
      { ...refused, fate: 'consent_required', error: 'invalid_grant', status: 400 },
    ],
    [
      'refuses the client, with the challenge that RFC 6749 demands',
      json(401, { error: 'invalid_client' }, { 'www-authenticate': 'Basic realm="canary"' }),
      { ...refused, fate: 'misconfigured', error: 'invalid_client', status: 401 },
    ],
    [
      'errs with status 200',
      json(200, { error: 'bad_refresh_token', error_description: 'canary' }),
      { ...refused, fate: 'consent_required', error: 'invalid_grant', status: 200 },
      ['errors_with_status_200'],
    ],
    [
      'errs with status 200 and a form',
      text(200, 'application/x-www-form-urlencoded', 'error=bad_refresh_token&error_description=canary'),
      { ...refused, fate: 'consent_required', error: 'invalid_grant', status: 200 },
      ['errors_with_status_200'],
    ],
    [
      'uses a word that nobody knows',
      json(400, { error: 'too_cold_today' }),
      { ...refused, fate: 'retry', error: 'too_cold_today', status: 400 },
    ],
    [
      'echoes the token as its error',
      json(400, { error: REFRESH_TOKEN }),
      { ...refused, fate: 'retry', error: 'unrecognised', status: 400 },
    ],
    ['refuses without a word', text(400, 'text/html', '<p>canary'), { ...refused, fate: 'retry', status: 400 }],
    [
      'is busy',
      json(503, { error: 'temporarily_unavailable' }),
      { ...refused, fate: 'retry', error: 'temporarily_unavailable', status: 503 },
    ],
    [
      'is busy and says for how long',
      (response) => response.writeHead(503, { 'retry-after': '7' }).end(),
      { ...refused, fate: 'retry', status: 503, retryAfterSeconds: 7 },
    ],
    [
      'is behind a proxy that has lost it',
      text(503, 'text/plain', 'upstream connect error or disconnect/reset before headers'),
      { ...inDoubt, reason: 'unintelligible', status: 503 },
    ],
    [
      'is behind a proxy that fails in JSON',
      json(502, { status: 502, error: 'Bad Gateway', canary: true }),
      { ...inDoubt, reason: 'unintelligible', error: 'unrecognised', status: 502 },
    ],
    [
      'fails in the words of OAuth, perhaps after it has rotated the token',
      json(500, { error: 'server_error' }),
      { ...inDoubt, reason: 'unintelligible', error: 'server_error', status: 500 },
    ],
    [
      'has had enough',
      json(429, { error: 'slow_down' }, { 'retry-after': '120' }),
      { ...refused, fate: 'retry', error: 'slow_down', status: 429, retryAfterSeconds: 120 },
    ],
    [
      'has had enough for ever',
      (response) => response.writeHead(429, { 'retry-after': '999999999' }).end(),
      { ...refused, fate: 'retry', status: 429, retryAfterSeconds: 300 },
    ],
    [
      'has had enough until a day long past',
      (response) => response.writeHead(429, { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }).end(),
      { ...refused, fate: 'retry', status: 429, retryAfterSeconds: 0 },
    ],
    [
      'has had enough, absurdly',
      (response) => response.writeHead(429, { 'retry-after': 'soon' }).end(),
      { ...refused, fate: 'retry', status: 429 },
    ],
    [
      'fails and blames the grant',
      json(500, { error: 'invalid_grant' }),
      { ...refused, fate: 'retry', error: 'invalid_grant', status: 500 },
    ],
    ['fails', text(500, 'text/html', 'canary'), { ...inDoubt, reason: 'unintelligible', status: 500 }],
    [
      'is behind a gateway that fails',
      text(504, 'text/html', ''),
      { ...inDoubt, reason: 'unintelligible', status: 504 },
    ],
    ['shows a page', text(200, 'text/html', '<p>canary'), { ...inDoubt, reason: 'unintelligible', status: 200 }],
    ['says {}', json(200, {}), { ...inDoubt, reason: 'unintelligible', status: 200 }],
    [
      'says half',
      text(200, 'application/json', '{"access_token":"canary'),
      { ...inDoubt, reason: 'unintelligible', status: 200 },
    ],
    [
      'has a token that would break out of a header',
      json(200, { access_token: 'canary\r\nset-cookie: a=b' }),
      { ...inDoubt, reason: 'unintelligible', status: 200 },
    ],
    [
      'sends us elsewhere',
      (response) => response.writeHead(302, { location: `${issuer}/canary` }).end(),
      { ...inDoubt, reason: 'redirected' },
    ],
    ['hangs up', (response) => response.destroy(), { ...inDoubt, reason: 'cut_off' }],
    ['is silent', () => undefined, { ...inDoubt, reason: 'timed_out' }],
    [
      'talks too much',
      (response) => response.end(Buffer.alloc(300_000, 'canary')),
      { ...inDoubt, reason: 'too_large' },
    ],
  ])('because it %s', async (_case, given, expected, quirks = []) => {
    answer = given
    expect(await fault(refresh(provider('client_secret_basic', quirks)))).toEqual(expected)
    expect(asked.map(({ path }) => path)).toEqual(['/token'])
  })

  it('because nobody listens: then nothing was sent', async () => {
    const elsewhere = createServer()
    await new Promise<void>((done) => elsewhere.listen(0, '127.0.0.1', done))
    const { port } = elsewhere.address() as AddressInfo
    await new Promise((done) => elsewhere.close(done))
    const gone = { ...provider(), authorizationServer: { token_endpoint: `http://127.0.0.1:${port}/token` } }
    expect(await fault(refresh(gone))).toEqual({ fate: 'retry', reason: 'not_connected', sent: false, inDoubt: false })
  })

  it('because it may not be spoken to', async () => {
    const inside = { ...provider(), authorizationServer: { token_endpoint: 'https://169.254.169.254/canary' } }
    expect(await fault(refresh(inside))).toEqual({
      fate: 'misconfigured',
      reason: 'address_forbidden',
      sent: false,
      inDoubt: false,
    })
  })

  it('because it echoes the client secret, which looks like an error code', async () => {
    answer = json(401, { error: 'not_canary_like' })
    expect((await fault(refresh(provider('client_secret_post', [], 'canary_like')))).error).toBe('unrecognised')
  })

  it('because we have no client secret', async () => {
    expect(await fault(refresh({ ...provider(), clientSecret: undefined }))).toEqual({
      fate: 'misconfigured',
      reason: 'client_secret_missing',
      sent: false,
      inDoubt: false,
    })
    expect(asked).toEqual([])
  })

  it('because our registration makes no request', async () => {
    const { client, ...rest } = provider()
    expect(await fault(refresh({ ...rest, client: { ...client, client_id: '' } }))).toMatchObject({
      fate: 'misconfigured',
      reason: 'not_built',
      sent: false,
    })
  })
})
