import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Controller, Get, HttpCode, Logger, Post, Query, Req, Res, UseFilters } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import { parseCookie, stringifySetCookie } from 'cookie'
import type { Request, Response } from 'express'
import { sessionCookie } from '#libs/contracts'
import {
  Audit,
  ErrorPageFilter,
  html,
  htmlPage,
  type Html,
  NotAudited,
  PAGE_HEADERS,
  Public,
  ServerSettings,
} from '#libs/service'
import { OpenIdProvider } from '../login/open-id-provider.js'
import { UserQueries } from '../user/user.queries.js'
import { noCookies, sidOfCookies } from './session.js'
import { Sessions } from './sessions.js'

const REASON = 'a session that is over may be ended, too'
/** How long somebody may take to log out at the provider, in seconds. */
const AWAY_SECONDS = 600
/** Nobody waits longer for a provider to say where its own logout is. */
const METADATA_MS = 3_000

/** Ends the browser's session, and with it all that hangs on it. */
@ApiExcludeController()
@UseFilters(ErrorPageFilter)
@Controller('__logout__')
export class LogoutController {
  readonly #logger = new Logger(LogoutController.name)

  constructor(
    private readonly sessions: Sessions,
    private readonly users: UserQueries,
    private readonly provider: OpenIdProvider,
    private readonly server: ServerSettings,
  ) {}

  /** For people: ends the session here, and leads to the provider's logout where it has one. */
  @Get()
  @Public(REASON)
  @Audit('user.log_out')
  async leave(@Req() request: Request, @Res() response: Response): Promise<void> {
    if (isLedByOthers(request)) return this.#ask(response)
    const wasKnown = await this.#end(request, response)
    const further = wasKnown ? await this.#providersLogout(response) : undefined
    response.setHeader('Referrer-Policy', 'no-referrer')
    response.redirect(302, further ?? this.server.urlOf('/'))
  }

  /** For programs: ends the session here. */
  @Post()
  @HttpCode(204)
  @Public(REASON)
  @Audit('user.log_out')
  async end(@Req() request: Request, @Res() response: Response): Promise<void> {
    await this.#end(request, response)
    response.status(204).end()
  }

  /** Where the provider's logout leads back to. Whoever comes without the state that we sent has not been there. */
  @Get('done')
  @Public(REASON)
  @NotAudited('the session has ended before')
  done(@Req() request: Request, @Res() response: Response, @Query('state') state: unknown): void {
    response.append('Set-Cookie', this.#stateCookie('', 0))
    if (typeof state !== 'string' || parseCookie(request.headers.cookie ?? '')[this.#state.name] !== state) {
      response.setHeader('Cache-Control', 'no-store')
      return response.redirect(302, this.server.urlOf('/'))
    }
    const body = html`<p>You are logged out here and at your login provider.</p>
      <p><a class="button" href="${this.server.urlOf('/__login__')}">Log in again</a></p>`
    this.#page(response, 'Goodbye', body)
  }

  /** The link leads here once more, then from a page of ours. No form: its policy would forbid the way to the provider. */
  #ask(response: Response): void {
    const body = html`<p>Another site has sent you here.</p>
      <p><a class="button" href="${this.server.urlOf('/__logout__')}">Log out</a></p>`
    this.#page(response, 'Do you want to log out?', body)
  }

  #page(response: Response, title: string, body: Html): void {
    response
      .status(200)
      .set(PAGE_HEADERS)
      .send(htmlPage({ title, body, home: this.server.urlOf('/') }))
  }

  /** Returns whether the browser had a session, if only one that is over. */
  async #end(request: Request, response: Response): Promise<boolean> {
    const address = this.server.url
    for (const cookie of noCookies(address)) response.append('Set-Cookie', cookie)
    response.setHeader('Cache-Control', 'no-store')
    const sid = sidOfCookies(request.headers.cookie, address)
    const user = sid && (await this.users.ofSession(sid))
    if (!sid || !user) return sid !== undefined
    const actor = { type: 'user', guid: user.guid, role: user.role, sid } as const
    await this.sessions.end({ userGuid: user.guid, sid }, 'logout', actor)
    return true
  }

  /** @see OpenID Connect RP-Initiated Logout 1.0 §2; without an `id_token_hint`, as no ID token is kept */
  async #providersLogout(response: Response): Promise<string | undefined> {
    const endpoint = await this.#endSessionEndpoint()
    if (endpoint === undefined) return undefined
    const state = randomBytes(32).toString('base64url')
    response.append('Set-Cookie', this.#stateCookie(state, AWAY_SECONDS))
    const url = new URL(endpoint)
    url.searchParams.set('client_id', this.provider.clientId)
    url.searchParams.set('post_logout_redirect_uri', this.server.urlOf('/__logout__/done'))
    url.searchParams.set('state', state)
    return url.href
  }

  /** A provider that does not answer keeps nobody from being logged out here. */
  async #endSessionEndpoint(): Promise<string | undefined> {
    const abort = new AbortController()
    const waited = delay(METADATA_MS, undefined, { signal: abort.signal, ref: false }).catch(() => undefined)
    try {
      return (await Promise.race([this.provider.metadata(), waited]))?.end_session_endpoint
    } catch (error) {
      this.#logger.warn({ err: error, issuer: this.provider.issuer }, 'logged out here, not at the provider')
      return undefined
    } finally {
      abort.abort()
    }
  }

  get #state(): { name: string; path: string; secure: boolean } {
    const { path, secure } = sessionCookie(this.server.url)
    return {
      name: secure ? '__Secure-keybearer_logout' : 'keybearer_logout',
      path: `${path.replace(/\/$/, '')}/__logout__`,
      secure,
    }
  }

  #stateCookie(state: string, maxAge: number): string {
    const { name, path, secure } = this.#state
    // Lax: the way back from the provider is a navigation from another site.
    return stringifySetCookie(name, state, { path, secure, maxAge, httpOnly: true, sameSite: 'lax' })
  }
}

/**
 * Whether the browser says that a page of another origin leads here: nobody else may end somebody's session.
 * @see https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header
 */
function isLedByOthers({ headers }: Request): boolean {
  const site = headers['sec-fetch-site']
  return site !== undefined && site !== 'none' && site !== 'same-origin'
}
