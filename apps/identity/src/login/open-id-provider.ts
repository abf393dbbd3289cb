import { errors, type JWTPayload, type JWTVerifyResult } from 'jose'
import { DomainError, type Secret } from '#libs/contracts'
import { ProviderKeys, redeemCode, type Discovery, type Outbound, type ProviderMetadata } from '#libs/oauth'
import type { OAuth2Settings } from '#libs/service'
import type { Claims } from './claims.js'
import { mergedClaims } from './merged-claims.js'
import type { LoginAttempt } from './pending-logins.js'
import type { VerifiedLogin } from './verified-login.js'

const MAX_TOKEN_AGE_SECONDS = 600
const LEEWAY_SECONDS = 60

/** @see https://developers.google.com/people/api/rest/v1/people/searchDirectoryPeople */
const GOOGLE_DIRECTORY_SCOPE = 'https://www.googleapis.com/auth/directory.readonly'

/** @see OpenID Connect Back-Channel Logout 1.0 §2.4 */
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'

/** Issuers of Entra that stand for every tenant, so that its documents and tokens never name them. */
const NO_TENANT = /[{}]|^https:\/\/login\.microsoftonline\.com\/(?:common|organizations|consumers)\//i

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

/** Whose sessions a provider says are over; at least one of `subject` and `sid` is there. */
export interface LogoutToken {
  readonly issuer: string
  readonly jti: string
  readonly subject?: string
  /** The provider's own session. */
  readonly sid?: string
  /** From when on the token is refused by its age alone. */
  readonly refusedFrom: Date
}

export interface OpenIdProviderOptions {
  readonly redirectUri: string
  readonly googleIssuer: string
  readonly now?: () => Date
}

/** The organisation's OpenID provider, as far as a login needs it. */
export class OpenIdProvider {
  readonly #keys: ProviderKeys

  constructor(
    private readonly settings: OAuth2Settings,
    private readonly discovery: Discovery,
    private readonly outbound: Outbound,
    private readonly options: OpenIdProviderOptions,
  ) {
    this.#keys = new ProviderKeys(outbound)
  }

  get redirectUri(): string {
    return this.options.redirectUri
  }

  get clientId(): string {
    return this.settings.clientId ?? ''
  }

  /** As the settings name it. */
  get issuer(): string {
    return this.settings.isGoogle ? this.options.googleIssuer : this.settings.issuer
  }

  /** Scopes beside `openid`. */
  get scopes(): readonly string[] {
    const own = this.settings.isGoogle ? [GOOGLE_DIRECTORY_SCOPE] : []
    return [...new Set(['email', 'profile', ...own, ...this.settings.customScope])]
  }

  /** What the provider's own page is asked to do; nothing rests on its doing so. */
  get hints(): Readonly<Record<string, string>> {
    const { isGoogle, allowedDomain, allowedEmail } = this.settings
    const [domain, ...others] = allowedDomain
    // An address that is listed may belong to any account.
    const isOnly = domain !== undefined && others.length === 0 && allowedEmail.length === 0
    return isGoogle && isOnly ? { hd: domain } : {}
  }

  /** @throws DomainError `discovery.failed`, `login.not_configured`, `login.issuer_without_tenant` */
  async metadata(): Promise<ProviderMetadata> {
    if (!this.settings.clientId) {
      throw new DomainError('unavailable', 'login.not_configured', 'No login provider is configured.')
    }
    if (NO_TENANT.test(this.issuer)) {
      throw new DomainError(
        'unavailable',
        'login.issuer_without_tenant',
        'OAuth2.OpenIDConnectIssuer names no tenant; an administrator has to put the tenant’s ID where the placeholder is.',
      )
    }
    return this.discovery.find(this.issuer)
  }

  /**
   * Trades a code for what the provider says of the person, verified.
   * @throws DomainError `login.client_authentication`; TokenEndpointError, LoginError, OutboundError
   */
  async logIn(code: Secret, { codeVerifier, nonce }: LoginAttempt, metadata: ProviderMetadata): Promise<VerifiedLogin> {
    const { issuer, token_endpoint } = metadata
    const registration = {
      authorizationServer: { issuer, token_endpoint },
      client: {
        client_id: this.clientId,
        token_endpoint_auth_method: authenticationMethod(metadata),
        scope: '',
        client_secret_reference: null,
      },
      clientSecret: this.settings.clientSecret,
      quirks: [],
    } as const
    const grant = { code, codeVerifier, redirectUri: this.redirectUri }
    const { idToken, accessToken, expiresIn, tokenType } = await redeemCode(this.outbound, registration, grant)
    // OpenID Connect Core §3.1.3.3
    if (tokenType !== 'Bearer') throw new LoginError('token_type')
    if (!idToken) throw new LoginError('id_token missing')
    const signed = await this.verify(idToken, nonce, metadata)
    const claims = mergedClaims(signed, await this.#userInfo(accessToken, String(signed.sub), metadata))
    return { issuer, claims, accessToken, ...(expiresIn !== undefined && { expiresIn }) }
  }

  /**
   * Everything that OpenID Connect Core §3.1.3.7 asks of an ID token, and a bound on its age.
   * @throws LoginError
   */
  async verify(idToken: Secret, nonce: string, metadata: ProviderMetadata): Promise<JWTPayload> {
    const { payload } = await this.#verified(idToken, metadata, ['sub', 'nonce'])
    if (payload['nonce'] !== nonce) throw new LoginError('nonce')
    const { aud, azp, sub } = payload
    if (Array.isArray(aud) && aud.length > 1 && azp !== this.clientId) throw new LoginError('azp')
    if (azp !== undefined && azp !== this.clientId) throw new LoginError('azp')
    if (!isIdentifier(sub)) throw new LoginError('sub')
    return payload
  }

  /**
   * Everything that OpenID Connect Back-Channel Logout 1.0 §2.6 asks of a logout token, but for its having been used.
   * @throws LoginError
   */
  async verifyLogout(logoutToken: Secret, metadata: ProviderMetadata): Promise<LogoutToken> {
    const { payload, protectedHeader } = await this.#verified(logoutToken, metadata, ['jti', 'events'])
    if (!/^(?:(?:application\/)?logout\+jwt|jwt)$/i.test(protectedHeader.typ ?? 'JWT')) throw new LoginError('typ')
    // Nobody may pass off an ID token as this.
    if ('nonce' in payload) throw new LoginError('nonce')
    const { jti, sub, iat } = payload
    const events = payload['events']
    const event: unknown = isRecord(events) && events[LOGOUT_EVENT]
    if (!isRecord(event)) throw new LoginError('events')
    const sid = payload['sid']
    if (!isIdentifier(jti)) throw new LoginError('jti')
    if (sub !== undefined && !isIdentifier(sub)) throw new LoginError('sub')
    if (sid !== undefined && !isIdentifier(sid)) throw new LoginError('sid')
    if (sub === undefined && sid === undefined) throw new LoginError('neither sub nor sid')
    return {
      issuer: metadata.issuer,
      jti,
      refusedFrom: new Date((iat! + MAX_TOKEN_AGE_SECONDS + LEEWAY_SECONDS) * 1000),
      ...(sub !== undefined && { subject: sub }),
      ...(sid !== undefined && { sid }),
    }
  }

  /** What both kinds of tokens have in common. */
  async #verified(
    token: Secret,
    metadata: ProviderMetadata,
    requiredClaims: readonly string[],
  ): Promise<JWTVerifyResult> {
    const { issuer } = metadata
    try {
      return await this.#keys.verify(token, metadata, {
        // Google leaves the scheme out at times: https://developers.google.com/identity/openid-connect/reference
        issuer: this.settings.isGoogle ? [issuer, issuer.replace(/^https?:\/\//, '')] : issuer,
        audience: this.clientId,
        requiredClaims: ['iss', 'aud', 'exp', 'iat', ...requiredClaims],
        maxTokenAge: MAX_TOKEN_AGE_SECONDS,
        clockTolerance: LEEWAY_SECONDS,
        ...(this.options.now && { currentDate: this.options.now() }),
      })
    } catch (error) {
      throw reasonOf(error)
    }
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

/** @throws DomainError `login.client_authentication` when the provider takes neither of the two */
function authenticationMethod({ token_endpoint_auth_methods_supported: supported }: ProviderMetadata) {
  // RFC 8414 §2: this one when nothing is said.
  if (!supported || supported.includes('client_secret_basic')) return 'client_secret_basic'
  if (supported.includes('client_secret_post')) return 'client_secret_post'
  throw new DomainError(
    'unavailable',
    'login.client_authentication',
    'The login provider takes no client secret; an administrator has to register this server there as a web application with a secret.',
  )
}

const isIdentifier = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= 255 && !/\p{Cc}/u.test(value)

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function objectOf(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'))
    return isRecord(value) ? value : undefined
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
