import { createHash, timingSafeEqual } from 'node:crypto'
import { Secret, type AuthorizationServer, type ClientRegistration } from '#libs/contracts'
import { calculatePKCECodeChallenge, randomPKCECodeVerifier, randomState } from 'openid-client'

const LONGEST_PARAMETER = 4096

export interface AuthorizationRequest {
  /** Where to send the browser. Holds `state`, so it belongs in a `Location` header and in no log. */
  readonly url: string
  /** 256 random bits: keep its hash, bound to the browser's session. */
  readonly state: string
  /** For `redeemCode` (RFC 7636 §4.1); belongs in the safe until then. */
  readonly codeVerifier: Secret
}

/**
 * Makes an authorization request, always with PKCE S256 and a fresh `state`. Parameters that the authorization
 * endpoint's URL already has are kept, except for ours, which stand in it exactly once.
 * @throws TypeError when the provider has no authorization endpoint
 * @see RFC 6749 §4.1.1, RFC 7636 §4.3
 */
export async function authorizationRequest(
  { authorization_endpoint }: Pick<AuthorizationServer, 'authorization_endpoint'>,
  client: Pick<ClientRegistration, 'client_id' | 'scope'>,
  redirectUri: string,
): Promise<AuthorizationRequest> {
  if (authorization_endpoint === undefined) throw new TypeError('the provider has no authorization endpoint')
  const state = randomState()
  const codeVerifier = randomPKCECodeVerifier()
  const ours = {
    response_type: 'code',
    client_id: client.client_id,
    redirect_uri: redirectUri,
    scope: client.scope,
    state,
    code_challenge: await calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: 'S256',
  }
  const url = new URL(authorization_endpoint)
  for (const [name, value] of Object.entries(ours)) {
    url.searchParams.delete(name)
    if (value !== '') url.searchParams.set(name, value)
  }
  return { url: url.href, state, codeVerifier: new Secret(codeVerifier) }
}

/** The parameters that a provider sent back with the browser; nothing of them has been checked yet. */
export interface Callback {
  readonly state: string
  readonly code?: Secret
  readonly error?: string
  readonly iss?: string
}

export type CallbackReason = 'malformed' | 'state_mismatch' | 'issuer_mismatch' | 'issuer_missing' | 'refused'

/** A callback that must not be followed by a token request. */
export class CallbackError extends Error {
  constructor(
    readonly reason: CallbackReason,
    /** The provider's `error` code (RFC 6749 §4.1.2.1), for `refused` only. */
    readonly error?: string,
  ) {
    super(`authorization response: ${error ?? reason}`)
    this.name = 'CallbackError'
  }
}

/**
 * Reads a callback's query. The caller looks up its request by (the hash of) `state` and then checks with `acceptCode`.
 * @throws CallbackError `malformed`: `state` missing, a parameter repeated or oversized, neither or both of code and error
 * @see RFC 6749 §3.1, §4.1.2
 */
export function readCallback(query: URLSearchParams): Callback {
  const one = (name: string): string | undefined => {
    const values = query.getAll(name)
    if (values.length > 1 || (values[0]?.length ?? 0) > LONGEST_PARAMETER) throw new CallbackError('malformed')
    return values[0] === '' ? undefined : values[0]
  }
  const [state, code, error, iss] = [one('state'), one('code'), one('error'), one('iss')]
  if (state === undefined || (code === undefined) === (error === undefined)) throw new CallbackError('malformed')
  return {
    state,
    ...(code !== undefined && { code: new Secret(code) }),
    ...(error !== undefined && { error }),
    ...(iss !== undefined && { iss }),
  }
}

/** What a callback must match. */
export interface ExpectedCallback {
  readonly state: string
  /** RFC 8414 metadata of the provider that the browser was sent to. */
  readonly authorizationServer: Pick<AuthorizationServer, 'issuer'> & {
    /** RFC 9207 §3: an answer without `iss` is then refused. */
    readonly authorization_response_iss_parameter_supported?: boolean
  }
}

/**
 * The code of a callback that belongs to our request and comes from the provider that we sent the browser to.
 * @throws CallbackError
 * @see RFC 9207 §2.4; errors are believed only after state and issuer
 */
export function acceptCode(callback: Callback, { state, authorizationServer }: ExpectedCallback): Secret {
  if (!sameText(callback.state, state)) throw new CallbackError('state_mismatch')
  const { issuer, authorization_response_iss_parameter_supported: issPromised } = authorizationServer
  if (issuer !== undefined && callback.iss !== undefined && callback.iss !== issuer) {
    throw new CallbackError('issuer_mismatch')
  }
  if (issPromised && callback.iss === undefined) throw new CallbackError('issuer_missing')
  if (!callback.code) {
    throw new CallbackError(
      'refused',
      /^[a-z][a-z_]{0,63}$/.test(callback.error ?? '') ? callback.error : 'unrecognised',
    )
  }
  return callback.code
}

function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
