import { Controller, Get, Param, Query, Req, Res, UseFilters } from '@nestjs/common'
import { ApiExcludeController } from '@nestjs/swagger'
import type { Request, Response } from 'express'
import { DomainError, type Actor } from '#libs/contracts'
import { Audit, CurrentActor, ErrorPageFilter, GuidPipe, PAGE_HEADERS, Public, ServerSettings } from '#libs/service'
import { renderPage } from './consent.page.js'
import { Consent, type Answer } from './consent.js'
import { pathOfReferer, wayBack } from './return-place.js'

/** Pages for browsers, not part of the API. */
@ApiExcludeController()
@UseFilters(ErrorPageFilter)
@Controller('__oauth__/integrations')
export class ConsentController {
  constructor(
    private readonly consent: Consent,
    private readonly server: ServerSettings,
  ) {}

  @Get('callback')
  @Public('a browser that has lost its session gets a page that says so')
  @Audit('grant.consent')
  async callback(@CurrentActor() actor: Actor, @Req() request: Request, @Res() response: Response): Promise<void> {
    this.#send(response, await this.consent.finish(actor, queryOf(request)))
  }

  @Get('callback/:guid')
  @Public('a browser that has lost its session gets a page that says so')
  @Audit('grant.consent')
  async ownCallback(
    @Param('guid', GuidPipe) guid: string,
    @CurrentActor() actor: Actor,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    this.#send(response, await this.consent.finish(actor, queryOf(request), guid))
  }

  @Get(':guid/login')
  @Public('who is not logged in is sent to log in')
  @Audit('grant.begin_consent')
  async login(
    @Param('guid', GuidPipe) guid: string,
    @Query('return_to') returnTo: unknown,
    @Query('relink') relink: unknown,
    @CurrentActor() actor: Actor,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    mustBeNavigation(request)
    if (actor.type === 'anonymous') {
      const query = new URLSearchParams({ return_to: request.originalUrl }).toString()
      return this.#send(response, { redirect: this.server.urlOf(`/__login__?${query}`) })
    }
    if (actor.type !== 'user')
      throw new DomainError(
        'forbidden',
        'request.authentication_type',
        'Consent is given in a browser, after logging in.',
      )
    const from = wayBack(returnTo, pathOfReferer(request.headers.referer, this.server.urlOf('/')))
    this.#send(response, await this.consent.begin(actor, guid, { returnTo: from, relink: relink === 'yes' }))
  }

  #send(response: Response, answer: Answer): void {
    if ('redirect' in answer) {
      response.set({ 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' }).redirect(302, answer.redirect)
      return
    }
    const page = renderPage(answer.page, this.server.urlOf('/'))
    response.status(answer.page.status).set(PAGE_HEADERS).send(page)
  }
}

/**
 * Nobody consents to what an image, a frame or a prefetch has begun. `Sec-Fetch-Mode` says nothing: clients that are no
 * browsers send it too.
 * @see https://www.w3.org/TR/fetch-metadata/
 */
function mustBeNavigation({ headers }: Request): void {
  const destination = headers['sec-fetch-dest'] ?? 'document'
  if (destination !== 'document' || headers['sec-purpose'] !== undefined || headers['purpose'] !== undefined)
    throw new DomainError('invalid', 'consent.invalid', 'Consent begins with a page that is opened.')
}

/** As it was sent: a parser that makes lists and objects of parameters would hide repeated ones. */
function queryOf({ originalUrl }: Request): URLSearchParams {
  const at = originalUrl.indexOf('?')
  return new URLSearchParams(at < 0 ? '' : originalUrl.slice(at + 1))
}
