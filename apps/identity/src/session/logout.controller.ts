import { randomUUID } from 'node:crypto'
import { Controller, Get, HttpCode, Post, Req, Res, UseFilters } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import type { Request, Response } from 'express'
import { Streams } from '#libs/event-sourcing'
import { Audit, currentRequest, ErrorPageFilter, Public, ServerSettings } from '#libs/service'
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
    await this.#end(request, response)
    response.redirect(302, this.server.home)
  }

  @Post()
  @HttpCode(204)
  @Public(REASON)
  @Audit('user.log_out')
  async end(@Req() request: Request, @Res() response: Response): Promise<void> {
    await this.#end(request, response)
    response.status(204).end()
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
