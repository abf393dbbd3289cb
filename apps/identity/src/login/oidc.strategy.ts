import { createHash } from 'node:crypto'
import type { Request } from 'express'
import OpenIDConnectStrategy from 'passport-openidconnect'
import { acceptCode, readCallback, type ProviderMetadata } from '#libs/oauth'
import { LoginError, type OpenIdProvider } from './open-id-provider.js'
import type { PendingLogins } from './pending-logins.js'
import type { VerifiedLogin } from './verified-login.js'

/** What a route hands to passport's `authenticate` beside the request. */
export interface LoginOptions {
  readonly session: false
  /** The text of the cookie that binds the login to its browser. */
  readonly browser: string | undefined
  /** Where to go afterwards; its presence makes it the beginning of a login. */
  readonly returnTo?: string
  /** The callback's query, as it came. */
  readonly query: URLSearchParams
}

/** What passport hands back after a login. */
export interface LoggedIn extends VerifiedLogin {
  readonly returnTo: string
}

type Done = (error: Error | null, user?: LoggedIn | false) => void
type Answer = (error: unknown, accessToken?: string, refreshToken?: string, parameters?: object) => void
/** The request as the base class gets it: only what has been read by us. */
type Cleaned = Request & { loggedIn?: LoggedIn }

/** What the base class keeps on itself; passport makes a new object of it for each request, so these are per request. */
interface Seams {
  _oauth2: { getOAuthAccessToken(code: string, parameters: object, answer: Answer): void }
  _stateStore: {
    store(
      request: Request,
      context: object,
      state: unknown,
      meta: object,
      done: (error: null, state: string) => void,
    ): void
    verify(request: Request, state: string, done: (error: null, context: object, state: object) => void): void
  }
}

/**
 * passport-openidconnect with what it lacks: PKCE, an issuer check of the callback (RFC 9207), verified ID tokens, a
 * userinfo answer of the same subject, and pending logins that are bound to a browser and good for one return.
 *
 * Only the base class's documented seams are used: its state store, `authorizationParams` and the `_oauth2` that
 * subclasses may replace. Its own checks run behind ours, on the claims that ours have let through.
 */
export class OidcStrategy extends OpenIDConnectStrategy {
  constructor(
    private readonly provider: OpenIdProvider,
    private readonly logins: PendingLogins,
    private readonly metadata: ProviderMetadata,
  ) {
    super(
      {
        issuer: metadata.issuer,
        authorizationURL: metadata.authorization_endpoint,
        tokenURL: metadata.token_endpoint,
        userInfoURL: metadata.userinfo_endpoint ?? '',
        callbackURL: provider.redirectUri,
        clientID: provider.clientId,
        // Never sent by the base class: the token request is ours.
        clientSecret: '',
        scope: [...provider.scopes],
        skipUserProfile: true,
        passReqToCallback: true,
      },
      ((request: Cleaned, _issuer: string, _profile: object, done: Done) => {
        done(null, request.loggedIn ?? false)
      }) as never,
    )
  }

  /** Begins a login (with `returnTo`) or ends one. */
  override authenticate(request: Request, options?: object): void {
    const login = options as LoginOptions
    const work = login.returnTo === undefined ? this.end(request, login) : this.begin(request, login)
    work.catch((error: unknown) => this.error(error as Error))
  }

  // Not `#private`: passport calls `authenticate` on an object made of this one, which has no private names.
  private async begin(request: Request, { browser, returnTo = '/' }: LoginOptions): Promise<void> {
    const attempt = await this.logins.begin(browser ?? '', returnTo)
    this.authorizationParams = () => ({
      ...this.provider.hints,
      nonce: attempt.nonce,
      code_challenge: createHash('sha256').update(attempt.codeVerifier.reveal()).digest('base64url'),
      code_challenge_method: 'S256',
    })
    this.seams._stateStore = {
      store: (_request, _context, _state, _meta, done) => done(null, attempt.state),
      verify: unreachable,
    }
    super.authenticate(cleaned(request, {}))
  }

  private async end(request: Request, { browser, query }: LoginOptions): Promise<void> {
    const callback = readCallback(query)
    // Used up before anything else is looked at, whatever comes of it.
    const attempt = await this.logins.take(callback.state, browser)
    if (!attempt) throw new LoginError('state')
    const { state } = attempt
    const code = acceptCode(callback, { state, authorizationServer: this.metadata })
    const clean = cleaned(request, { code: 'redeemed below', state })
    this.seams._stateStore = {
      store: unreachable,
      verify: (_request, _state, done) => done(null, { nonce: attempt.nonce }, {}),
    }
    this.seams._oauth2 = Object.create(this.seams._oauth2, {
      getOAuthAccessToken: {
        value: (_code: string, _parameters: object, answer: Answer) =>
          void this.provider.logIn(code, attempt, this.metadata).then((login) => {
            clean.loggedIn = { ...login, returnTo: attempt.returnTo }
            answer(null, undefined, undefined, { id_token: carrying(login) })
          }, answer),
      },
    }) as Seams['_oauth2']
    super.authenticate(clean)
  }

  private get seams(): Seams {
    return this as unknown as Seams
  }
}

/** Of the query, only what we have read ourselves: the base class believes errors before it looks at the state. */
const cleaned = (request: Request, query: object): Cleaned =>
  Object.create(request, { query: { value: query }, loggedIn: { value: undefined, writable: true } }) as Cleaned

/**
 * Verified claims in the shape of an ID token, since that is what the base class reads them from. It knows no leeway,
 * so an `exp` that ours let pass is not asked about again, and one spelling of the issuer.
 */
function carrying({ issuer, claims }: VerifiedLogin): string {
  const exp = Math.max(Number(claims['exp']), Math.ceil(Date.now() / 1000) + 1)
  return `.${Buffer.from(JSON.stringify({ ...claims, iss: issuer, exp })).toString('base64url')}.`
}

function unreachable(): never {
  throw new Error('the base class went another way')
}
