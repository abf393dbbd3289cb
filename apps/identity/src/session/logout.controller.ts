import { randomUUID } from 'node:crypto'
import { Controller, Get, HttpCode, Post, Req, Res, UseFilters } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import type { Request, Response } from 'express'
import { Streams } from '#libs/event-sourcing'
import {
  Audit,
  currentRequest,
  ErrorPageFilter,
  html,
  htmlPage,
  PAGE_HEADERS,
  Public,
  ServerSettings,
} from '#libs/service'
import { UserQueries } from '../user/user.queries.js'
import { userStream } from '../user/user.stream.js'
import { noCookies, sidOfCookies } from './session.js'

const REASON = 'a session that is over may be ended, too'

/** Ends the browser's session, and with it all that hangs on it. */
@ApiExcludeController()
@UseFilters(ErrorPageFilter)
@Controller('__logout__')
export class LogoutController {
  constructor(
    private readonly streams: Streams,
    private readonly users: UserQueries,
    private readonly server: ServerSettings,
  ) {}

  @Get()
  @Public(REASON)
  @Audit('user.log_out')
  async leave(@Req() request: Request, @Res() response: Response): Promise<void> {
    if (isLedByOthers(request)) return this.#ask(response)
    await this.#end(request, response)
    response.redirect(302, this.server.urlOf('/'))
  }

  @Post()
  @HttpCode(204)
  @Public(REASON)
  @Audit('user.log_out')
  async end(@Req() request: Request, @Res() response: Response): Promise<void> {
    await this.#end(request, response)
    response.status(204).end()
  }

  /** The form leads here once more, then from a page of ours. */
  #ask(response: Response): void {
    const body = html`<p>Another site has sent you here.</p>
      <form action="${this.server.urlOf('/__logout__')}"><button>Log out</button></form>`
    response
      .status(200)
      .set(PAGE_HEADERS)
      .send(htmlPage({ title: 'Do you want to log out?', body, home: this.server.urlOf('/') }))
  }

  async #end(request: Request, response: Response): Promise<void> {
    const address = this.server.url
    for (const cookie of noCookies(address)) response.append('Set-Cookie', cookie)
    response.setHeader('Cache-Control', 'no-store')
    const sid = sidOfCookies(request.headers.cookie, address)
    const user = sid && (await this.users.ofSession(sid))
    if (!sid || !user) return
    const context = {
      actor: { type: 'user', guid: user.guid, role: user.role, sid },
      commandId: randomUUID(),
      correlationId: currentRequest()?.correlationId,
    } as const
    await this.streams.handle(userStream, user.guid, { type: 'EndSession', sid, reason: 'logout' }, context)
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
