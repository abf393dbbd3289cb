import { createRemoteJWKSet, customFetch, errors, jwtVerify, type JWTPayload, type JWTVerifyOptions } from 'jose'
import { DomainError, Secret } from '#libs/contracts'
import { redeemCode, type Discovery, type Outbound, type ProviderMetadata } from '#libs/oauth'
import type { OAuth2Settings } from '#libs/service'
import type { Claims } from './claims.js'
import type { LoginAttempt } from './pending-logins.js'

/** Signatures that only the provider can make. `none` and the HS family are not among them. */
const ASYMMETRIC = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
const MAX_TOKEN_AGE_SECONDS = 600
const LEEWAY_SECONDS = 60
const JWKS_PAUSE_MS = 30_000
const MAX_AGE_OF_KEYS_MS = 600_000

/** The provider's answer to a login is not one that we believe. `reason` goes to the log, never to the page. */
export class LoginError extends Error {
  constructor(
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(`login refused: ${reason}`, options)
    this.name = 'LoginError'
  }
}

/** The organisation's OpenID provider, as far as a login needs it. */
export class OpenIdProvider {
  readonly #keys = new Map<string, ReturnType<typeof createRemoteJWKSet>>()

  constructor(
    private readonly settings: OAuth2Settings,
    private readonly discovery: Discovery,
    private readonly outbound: Outbound,
    private readonly options: { readonly redirectUri: string; readonly now?: () => Date },
  ) {}

  get redirectUri(): string {
    return this.options.redirectUri
  }

  get clientId(): string {
    return this.settings.clientId ?? ''
  }

  /** Scopes beside `openid`. */
  get scopes(): readonly string[] {
    return ['email', 'profile', ...this.settings.customScope]
  }

  /** @throws DomainError `discovery.failed` */
  async metadata(): Promise<ProviderMetadata> {
    const { clientId, issuer } = this.settings
    if (!clientId) throw new DomainError('unavailable', 'login.not_configured', 'No login provider is configured.')
    return this.discovery.find(issuer)
  }

  /**
   * Trades a code for what the provider says of the person, verified. The tokens themselves are forgotten.
   * @throws TokenEndpointError, LoginError, OutboundError
   */
  async claimsFor(code: Secret, { codeVerifier, nonce }: LoginAttempt, metadata: ProviderMetadata): Promise<Claims> {
    const registration = {
      authorizationServer: { issuer: metadata.issuer, token_endpoint: metadata.token_endpoint },
      client: {
        client_id: this.clientId,
        token_endpoint_auth_method: 'client_secret_basic',
        scope: '',
        client_secret_reference: null,
      },
      clientSecret: this.settings.clientSecret,
      quirks: [],
    } as const
    const grant = { code, codeVerifier, redirectUri: this.redirectUri }
    const { idToken, accessToken } = await redeemCode(this.outbound, registration, grant)
    if (!idToken) throw new LoginError('id_token missing')
    const claims = await this.verify(idToken, nonce, metadata)
    const more = await this.#userInfo(accessToken, String(claims.sub), metadata)
    // What is signed wins.
    return { ...more, ...claims }
  }

  /**
   * Everything that OpenID Connect Core §3.1.3.7 asks of an ID token, and a bound on its age.
   * @throws LoginError
   */
  async verify(idToken: Secret, nonce: string, metadata: ProviderMetadata): Promise<JWTPayload> {
    const { issuer } = metadata
    const offered = metadata.id_token_signing_alg_values_supported ?? ['RS256']
    const algorithms = ASYMMETRIC.filter((algorithm) => offered.includes(algorithm))
    if (algorithms.length === 0) throw new LoginError('the provider offers no signature that can be trusted')
    const payload = await this.#verifySignature(idToken, metadata.jwks_uri, {
      algorithms,
      issuer,
      audience: this.clientId,
      requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat', 'nonce'],
      maxTokenAge: MAX_TOKEN_AGE_SECONDS,
      clockTolerance: LEEWAY_SECONDS,
      ...(this.options.now && { currentDate: this.options.now() }),
    })
    if (payload['nonce'] !== nonce) throw new LoginError('nonce')
    const { aud, azp, sub } = payload
    if (Array.isArray(aud) && aud.length > 1 && azp !== this.clientId) throw new LoginError('azp')
    if (azp !== undefined && azp !== this.clientId) throw new LoginError('azp')
    if (!isSubject(sub)) throw new LoginError('sub')
    return payload
  }

  async #verifySignature(idToken: Secret, jwksUri: string, options: JWTVerifyOptions): Promise<JWTPayload> {
    const text = idToken.reveal()
    const keys = this.#keysAt(jwksUri)
    try {
      return (await jwtVerify(text, keys, options)).payload
    } catch (error) {
      if (error instanceof errors.JWKSMultipleMatchingKeys) {
        // No `kid` and several keys of its kind: one of them must verify it, whichever stands first.
        for await (const key of error) {
          const verified = await jwtVerify(text, key, options).catch((failure: unknown) => {
            if (failure instanceof errors.JWSSignatureVerificationFailed) return undefined
            throw reasonOf(failure)
          })
          if (verified) return verified.payload
        }
      }
      throw reasonOf(error)
    }
  }

  #keysAt(jwksUri: string): ReturnType<typeof createRemoteJWKSet> {
    let keys = this.#keys.get(jwksUri)
    if (!keys) {
      keys = createRemoteJWKSet(new URL(jwksUri), {
        [customFetch]: this.outbound.fetch,
        cooldownDuration: JWKS_PAUSE_MS,
        cacheMaxAge: MAX_AGE_OF_KEYS_MS,
      })
      this.#keys.set(jwksUri, keys)
    }
    return keys
  }

  /** @see OpenID Connect Core §5.3.4: without the same subject the answer must not be used */
  async #userInfo(accessToken: Secret, subject: string, metadata: ProviderMetadata): Promise<Claims> {
    if (!metadata.userinfo_endpoint) return {}
    const { status, headers, body } = await this.outbound.request({
      url: metadata.userinfo_endpoint,
      headers: { accept: 'application/json', authorization: `Bearer ${accessToken.reveal()}` },
    })
    if (status !== 200) throw new LoginError(`userinfo answers ${status}`)
    if (!/^application\/json\b/i.test(headers.get('content-type') ?? '')) throw new LoginError('userinfo is no JSON')
    const claims = objectOf(body)
    if (claims?.['sub'] !== subject) throw new LoginError('userinfo names another subject')
    return claims
  }
}

const isSubject = (sub: unknown): boolean =>
  typeof sub === 'string' && sub !== '' && sub.length <= 255 && !/\p{Cc}/u.test(sub)

function objectOf(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

/** jose's errors quote claims, so only their code and the claim's name are kept. */
function reasonOf(error: unknown): LoginError {
  if (error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired) {
    return new LoginError(`${error.code} ${error.claim}`)
  }
  if (error instanceof errors.JOSEError) return new LoginError(error.code)
  // Keys that could not be had: of the guarded client, which names neither address nor content.
  return new LoginError('keys unavailable', { cause: error })
}
