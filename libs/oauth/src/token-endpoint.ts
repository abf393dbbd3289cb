import { Secret, type AuthorizationServer, type ClientRegistration, type Quirk } from '#libs/contracts'
import * as oauth from 'openid-client'
import { fateOf, TokenEndpointError, type TokenEndpointFault } from './errors.js'
import { OutboundError, textOf, type Outbound, type OutboundAnswer } from './outbound.js'
import { readTokenAnswer, type TokenAnswer } from './quirks.js'

/** One provider and our registration there. */
export interface Provider {
  readonly authorizationServer: AuthorizationServer
  readonly client: ClientRegistration
  /** `undefined` for a public client (`token_endpoint_auth_method: none`). */
  readonly clientSecret: Secret | undefined
  readonly quirks: readonly Quirk[]
}

export interface TokenResponse {
  readonly accessToken: Secret
  readonly refreshToken?: Secret
  /** Seconds, from 1 to a year, and an hour when what the provider says is no lifetime; absent when it says nothing. */
  readonly expiresIn?: number
  /** As granted, which may differ from what was asked for; absent when the provider did not say (RFC 6749 §5.1). */
  readonly scope?: string
  /** `Bearer`, unless the provider names another. */
  readonly tokenType: string
  /** Not verified. */
  readonly idToken?: Secret
}

export interface CallOptions {
  /** Milliseconds; default: the outbound client's. */
  readonly deadlineMs?: number
}

/**
 * Redeems an authorization code.
 * @throws TokenEndpointError
 * @see RFC 6749 §4.1.3, RFC 7636 §4.5
 */
export function redeemCode(
  outbound: Outbound,
  provider: Provider,
  grant: { readonly code: Secret; readonly codeVerifier: Secret; readonly redirectUri: string },
  options: CallOptions = {},
): Promise<TokenResponse> {
  const parameters = {
    code: grant.code.reveal(),
    code_verifier: grant.codeVerifier.reveal(),
    redirect_uri: grant.redirectUri,
  }
  return requestTokens(outbound, provider, 'authorization_code', parameters, options)
}

/**
 * Trades a refresh token for new tokens. Without `refreshToken` in the answer the old one stays good.
 * @throws TokenEndpointError
 * @see RFC 6749 §6
 */
export function refreshTokens(
  outbound: Outbound,
  provider: Provider,
  refreshToken: Secret,
  options: CallOptions = {},
): Promise<TokenResponse> {
  // No scope: asking for none keeps what was granted, asking for ours may be more than that and then refused.
  return requestTokens(outbound, provider, 'refresh_token', { refresh_token: refreshToken.reveal() }, options)
}

/**
 * Asks for an access token of our own, for the registration's scope.
 * @throws TokenEndpointError
 * @see RFC 6749 §4.4
 */
export function requestClientCredentials(
  outbound: Outbound,
  provider: Provider,
  options: CallOptions = {},
): Promise<TokenResponse> {
  const { scope } = provider.client
  return requestTokens(outbound, provider, 'client_credentials', scope === '' ? {} : { scope }, options)
}

/**
 * Tells the provider that a token is no longer wanted.
 * @returns `false` when the provider has no way to revoke it
 * @throws TokenEndpointError
 * @see RFC 7009 §2; for the quirk `revocation_by_delete`, which knows access tokens only,
 * https://docs.github.com/rest/apps/oauth-applications#delete-an-app-token
 */
export async function revokeToken(
  outbound: Outbound,
  provider: Provider,
  token: Secret,
  hint: 'refresh_token' | 'access_token',
  options: CallOptions = {},
): Promise<boolean> {
  if (provider.authorizationServer.revocation_endpoint === undefined) return false
  if (provider.quirks.includes('revocation_by_delete')) {
    if (hint === 'access_token') await deleteToken(outbound, provider, token, options)
    return hint === 'access_token'
  }
  const parameters = { token_type_hint: hint }
  await call(outbound, provider, [token.reveal()], options, (configuration) =>
    oauth.tokenRevocation(configuration, token.reveal(), parameters),
  )
  return true
}

async function deleteToken(outbound: Outbound, provider: Provider, token: Secret, options: CallOptions): Promise<void> {
  const { revocation_endpoint, token_endpoint } = provider.authorizationServer
  const client = { ...provider.client, token_endpoint_auth_method: 'client_secret_basic' } as const
  const headers = new Headers({ accept: 'application/json', 'content-type': 'application/json' })
  authentication(client, provider.clientSecret, ['unencoded_basic_credentials'])(
    { issuer: token_endpoint },
    client,
    new URLSearchParams(),
    headers,
  )
  const heard: Heard = {}
  try {
    heard.answer = await outbound.request({
      ...options,
      url: revocation_endpoint!,
      method: 'DELETE',
      headers: Object.fromEntries(headers),
      body: JSON.stringify({ access_token: token.reveal() }),
    })
  } catch (error) {
    if (!(error instanceof OutboundError)) throw error
    heard.failure = error
  }
  const { answer } = heard
  // A token that is unknown there is as good as revoked (RFC 7009 §2.2).
  if (answer && ((answer.status >= 200 && answer.status < 300) || answer.status === 404 || answer.status === 422))
    return
  if (answer) heard.reading = readTokenAnswer(answer, provider.quirks)
  throw new TokenEndpointError(judge(heard, [token.reveal(), provider.clientSecret?.reveal() ?? '']))
}

async function requestTokens(
  outbound: Outbound,
  provider: Provider,
  grantType: string,
  parameters: Record<string, string>,
  options: CallOptions,
): Promise<TokenResponse> {
  const { reading } = await call(outbound, provider, Object.values(parameters), options, (configuration) =>
    oauth.genericGrantRequest(configuration, grantType, parameters),
  )
  if (reading?.kind !== 'tokens') throw new Error('the client library took for tokens what are none')
  const { access_token, token_type, refresh_token, id_token, expires_in, scope } = reading.members
  return {
    accessToken: new Secret(access_token),
    tokenType: token_type,
    ...(refresh_token !== undefined && { refreshToken: new Secret(refresh_token) }),
    ...(id_token !== undefined && { idToken: new Secret(id_token) }),
    ...(expires_in !== undefined && { expiresIn: expires_in }),
    ...(scope !== undefined && { scope }),
  }
}

/** What is known of a call so far, and all that its fault is made of. */
interface Heard {
  failure?: OutboundError
  answer?: OutboundAnswer
  reading?: TokenAnswer
}

/** Builds and sends a request with openid-client; a fault is judged from what was heard, never from its error. */
async function call(
  outbound: Outbound,
  provider: Provider,
  sentSecrets: readonly string[],
  options: CallOptions,
  send: (configuration: oauth.Configuration) => Promise<unknown>,
): Promise<Heard> {
  const heard: Heard = {}
  try {
    const configuration = configure(provider)
    configuration[oauth.customFetch] = async (url, { headers: { 'user-agent': _theirs, ...headers }, body }) => {
      try {
        heard.answer = await outbound.request({ ...options, url, method: 'POST', headers, body: textOf(body) })
      } catch (error) {
        if (error instanceof OutboundError) heard.failure = error
        throw error
      }
      heard.reading = readTokenAnswer(heard.answer, provider.quirks)
      return inTheWordsOfTheRfc(heard.reading, heard.answer.status)
    }
    await send(configuration)
    return heard
  } catch (error) {
    if (error instanceof TokenEndpointError) throw error
    // openid-client's errors carry the answer, tokens included, as their cause: nothing of them is passed on.
    throw new TokenEndpointError(judge(heard, [...sentSecrets, provider.clientSecret?.reveal() ?? '']))
  }
}

function configure({ authorizationServer, client, clientSecret, quirks }: Provider): oauth.Configuration {
  const { issuer, token_endpoint, revocation_endpoint } = authorizationServer
  // The library wants an issuer; it would compare it with ID tokens only, which it never sees.
  const server = { issuer: issuer ?? token_endpoint, token_endpoint, revocation_endpoint }
  const configuration = new oauth.Configuration(
    server,
    client.client_id,
    {},
    authentication(client, clientSecret, quirks),
  )
  // Which plain http is permitted, and how long a request may take, is decided in one place: outbound.ts.
  oauth.allowInsecureRequests(configuration)
  configuration.timeout = 0
  return configuration
}

function authentication(
  client: ClientRegistration,
  secret: Secret | undefined,
  quirks: readonly Quirk[],
): oauth.ClientAuth {
  if (client.token_endpoint_auth_method === 'none') return oauth.None()
  if (!secret) {
    throw new TokenEndpointError({
      fate: 'misconfigured',
      reason: 'client_secret_missing',
      inDoubt: false,
      sent: false,
    })
  }
  return client.token_endpoint_auth_method === 'client_secret_basic'
    ? (_server, { client_id }, _body, headers) =>
        headers.set('authorization', basic(client_id, secret, quirks.includes('unencoded_basic_credentials')))
    : oauth.ClientSecretPost(secret.reveal())
}

/**
 * HTTP Basic with nothing encoded that need not be: openid-client's own would write `%2D` for a hyphen, which the RFC
 * permits and servers that decode nothing do not understand.
 * @param unencoded the quirk `unencoded_basic_credentials`
 * @see RFC 6749 §2.3.1, Appendix B; for the quirk https://docs.snowflake.com/en/user-guide/oauth-custom (token endpoint)
 */
function basic(clientId: string, secret: Secret, unencoded: boolean): string {
  const halves = [clientId, secret.reveal()].map((half) =>
    unencoded ? half : new URLSearchParams({ '': half }).toString().slice(1),
  )
  return `Basic ${Buffer.from(halves.join(':')).toString('base64')}`
}

/**
 * The answer as openid-client expects it. Without `WWW-Authenticate`, for which it would forget the body's error
 * (RFC 6749 §5.2 demands that header), and without the ID token, which it could not verify.
 */
function inTheWordsOfTheRfc(reading: TokenAnswer, status: number): Response {
  switch (reading.kind) {
    case 'tokens':
      return Response.json({ ...reading.members, token_type: 'bearer', id_token: undefined })
    case 'error':
      return Response.json({ error: 'unrepeated' }, { status: 400 })
    case 'unintelligible':
      // RFC 7009 §2.2: a revocation is answered by the status alone.
      return new Response(null, { status: status >= 200 && status < 300 ? 200 : status })
  }
}

function judge({ failure, answer, reading }: Heard, sentSecrets: readonly string[]): TokenEndpointFault {
  if (failure) {
    const { reason, sent } = failure
    const forbidden = reason === 'url_forbidden' || reason === 'address_forbidden'
    return { fate: forbidden ? 'misconfigured' : 'retry', reason, sent, inDoubt: sent }
  }
  if (!answer) return { fate: 'misconfigured', reason: 'not_built', sent: false, inDoubt: false }
  const { status } = answer
  const error = reading?.kind === 'error' ? reading.error : undefined
  const busy = status >= 500 || status === 429
  const wait = retryAfterOf(answer.headers)
  // Who fails (5xx) may have done the work before, and a proxy in front of them too, whatever its JSON calls an `error`;
  // it is a refusal only in the words of OAuth, or with a time to come back.
  const understood =
    fateOf(error) !== 'retry' ||
    (status < 500 ? error !== undefined || status >= 400 : isOverload(status, error, answer.headers))
  return {
    fate: busy ? 'retry' : fateOf(error),
    reason: understood ? 'refused' : 'unintelligible',
    status,
    sent: true,
    inDoubt: !understood,
    ...(error !== undefined && { error: repeatable(error, sentSecrets) }),
    ...(busy && wait !== undefined && { retryAfterSeconds: wait }),
  }
}

/** Whether a server says that it has not begun, rather than a proxy that it has heard nothing. @see RFC 9110 §15.6.4 */
const isOverload = (status: number, error: string | undefined, headers: Headers): boolean =>
  status === 503 && (error === 'temporarily_unavailable' || headers.has('retry-after'))

/** An error code that may stand in a log: in the form of the registered ones, and no echo of what we sent. */
function repeatable(error: string, sentSecrets: readonly string[]): string {
  const echo = sentSecrets.some((secret) => secret.includes(error) || (secret.length > 7 && error.includes(secret)))
  return /^[a-z][a-z_]{0,63}$/.test(error) && !echo ? error : 'unrecognised'
}

/** Seconds, from 0 to 300. @see RFC 9110 §10.2.3 */
export function retryAfterOf(headers: Headers): number | undefined {
  const text = headers.get('retry-after')
  if (text === null) return undefined
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000
  return Number.isNaN(seconds) ? undefined : Math.max(0, Math.min(300, Math.ceil(seconds)))
}
