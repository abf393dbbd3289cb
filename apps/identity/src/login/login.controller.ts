import { randomBytes } from 'node:crypto'
import { Controller, Get, Logger, Req, Res, UseFilters } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import { parseCookie, stringifySetCookie } from 'cookie'
import type { Request, RequestHandler, Response } from 'express'
import { Authenticator } from 'passport'
import { DomainError, errorNumber, sessionCookie } from '#libs/contracts'
import { CallbackError } from '#libs/oauth'
import { Audit, currentRequest, ErrorPageFilter, NotAudited, PAGE_HEADERS, Public, ServerSettings } from '#libs/service'
import { ProviderSessions } from '../session/provider-sessions.js'
import { cookiesOf, sidOfCookies } from '../session/session.js'
import { LoginTokens } from '../directory/login-tokens.js'
import { LogIn } from './log-in.js'
import { OidcStrategy, type LoggedIn, type LoginOptions } from './oidc.strategy.js'
import { LoginError, OpenIdProvider } from './open-id-provider.js'
import { loginPage } from './page.js'
import { PENDING_SECONDS, PendingLogins } from './pending-logins.js'
import { returnTo } from './return-to.js'

const REASON = 'no API key, no JSON: a browser that is not logged in yet'

/** The browser's way to the provider and back. */
@ApiExcludeController()
@UseFilters(ErrorPageFilter)
@Controller('__login__')
export class LoginController {
  readonly #logger = new Logger(LoginController.name)
  readonly #passport = new Authenticator()

  constructor(
    private readonly provider: OpenIdProvider,
    private readonly pending: PendingLogins,
    private readonly logIn: LogIn,
    private readonly sessions: ProviderSessions,
    private readonly server: ServerSettings,
    private readonly loginTokens: LoginTokens,
  ) {}

  /** Sends the browser to the provider; `return_to` is a path of this server. */
  @Get()
  @Public(REASON)
  @NotAudited('nobody is known yet')
  async begin(@Req() request: Request, @Res() response: Response): Promise<void> {
    const query = queryOf(request)
    const path = returnTo(query.get('return_to') ?? undefined)
    // One binding for all logins of a browser that are on their way: tabs do not disturb each other.
    const browser = this.#browserOf(request) ?? randomBytes(32).toString('base64url')
    response.append('Set-Cookie', this.#bindingCookie(browser, PENDING_SECONDS))
    await this.#answering(request, response, async () => {
      await this.#authenticate(request, response, { session: false, browser, returnTo: path, query })
    })
  }

  /** Takes the browser back from the provider, logged in. */
  @Get('callback')
  @Public(REASON)
  @Audit('user.log_in')
  async end(@Req() request: Request, @Res() response: Response): Promise<void> {
    await this.#answering(request, response, async () => {
      const options = { session: false, browser: this.#browserOf(request), query: queryOf(request) } as const
      const { returnTo, ...verified } = await this.#authenticate(request, response, options)
      const session = await this.logIn.run(verified, {
        formerSid: sidOfCookies(request.headers.cookie, this.server.url),
        correlationId: currentRequest()?.correlationId,
        begun: (client, sid) => this.sessions.begun(client, sid, verified),
      })
      await this.loginTokens.keep(verified, session)
      for (const cookie of cookiesOf(session, this.server.url, new Date())) response.append('Set-Cookie', cookie)
      this.#redirect(response, returnTo)
    })
  }

  /** Runs passport. @throws Redirected once it has sent the browser away */
  async #authenticate(request: Request, response: Response, options: LoginOptions): Promise<LoggedIn> {
    const strategy = new OidcStrategy(this.provider, this.pending, await this.provider.metadata())
    return new Promise<LoggedIn>((resolve, reject) => {
      response.once('close', () => reject(new Redirected()))
      const decided = (error: Error | null, user?: LoggedIn | false, info?: { message?: string }): void => {
        if (error) reject((error as { oauthError?: Error }).oauthError ?? error)
        else if (user) resolve(user)
        else reject(new LoginError(info?.message ?? 'refused'))
      }
      response.setHeader('Cache-Control', 'no-store')
      const middleware = this.#passport.authenticate(strategy, options, decided) as RequestHandler
      void middleware(request, response, reject)
    })
  }

  async #answering(request: Request, response: Response, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (error instanceof Redirected) return
      this.#refuse(request, response, error)
    }
  }

  /** Says who can mend it, and nothing that came from outside. */
  #refuse(_request: Request, response: Response, error: unknown): void {
    const { status, title, message } = explain(error)
    this.#logger[status >= 500 ? 'error' : 'warn']({ err: error, issuer: this.provider.issuer }, 'login refused')
    const links = { again: this.server.urlOf('/__login__'), home: this.server.urlOf('/') }
    response
      .status(status)
      .set(PAGE_HEADERS)
      .send(loginPage(title, message, links))
  }

  #redirect(response: Response, path: string): void {
    response.setHeader('Cache-Control', 'no-store').setHeader('Referrer-Policy', 'no-referrer')
    response.redirect(302, this.server.urlOf(path))
  }

  get #binding(): { name: string; path: string; secure: boolean } {
    const { path, secure } = sessionCookie(this.server.url)
    return {
      name: secure ? '__Secure-keybearer_login' : 'keybearer_login',
      path: `${path.replace(/\/$/, '')}/__login__`,
      secure,
    }
  }

  #browserOf(request: Request): string | undefined {
    const text = parseCookie(request.headers.cookie ?? '')[this.#binding.name]
    return text && /^[A-Za-z0-9_-]{43}$/.test(text) ? text : undefined
  }

  #bindingCookie(browser: string, maxAge: number): string {
    const { name, path, secure } = this.#binding
    // Lax: the way back from the provider is a navigation from another site.
    return stringifySetCookie(name, browser, { path, secure, maxAge, httpOnly: true, sameSite: 'lax' })
  }
}

/** The answer has been given: nothing is left to say. */
class Redirected extends Error {}

const queryOf = ({ originalUrl }: Request): URLSearchParams => new URL(originalUrl, 'http://this.invalid').searchParams

function explain(error: unknown): { status: number; title: string; message: string } {
  if (error instanceof DomainError) {
    const title = error.kind === 'unavailable' ? 'Login is not possible at the moment' : 'You cannot log in'
    const message =
      error.code === 'discovery.failed'
        ? 'The login provider cannot be reached. Try again in a while; if it stays so, an administrator has to check OAuth2.OpenIDConnectIssuer.'
        : error.message
    return { status: errorNumber(error).status, title, message }
  }
  if (error instanceof CallbackError && error.reason === 'refused') {
    return {
      status: 403,
      title: 'You are not logged in',
      message:
        'The login provider did not let you in, or you turned back. Try again, or ask the administrators of the provider.',
    }
  }
  if (error instanceof CallbackError || (error instanceof LoginError && error.reason === 'state')) {
    return {
      status: 400,
      title: 'This login is over',
      message: 'It took too long, was used already, or was begun in another browser. Begin again.',
    }
  }
  if (error instanceof LoginError) {
    return {
      status: 403,
      title: 'You cannot log in',
      message: 'The login provider’s answer could not be verified. An administrator can find the reason in the log.',
    }
  }
  return {
    status: 502,
    title: 'Login is not possible at the moment',
    message:
      'The login provider did not give a usable answer. Try again; if it stays so, an administrator can find the reason in the log.',
  }
}
