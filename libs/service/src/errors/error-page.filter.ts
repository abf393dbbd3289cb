import { Catch } from '@nestjs/common'
import type { Request, Response } from 'express'
import { PAGE_HEADERS } from '../html/page.js'
import { refusalPage } from '../html/refusal-page.js'
import { contextOf } from '../request-context.js'
import { ServerSettings } from '../settings/sections/server.js'
import { DomainErrorFilter, type ErrorBody } from './domain-error.filter.js'

/** For routes that people open in a browser: a page instead of the API's error body. */
@Catch()
export class ErrorPageFilter extends DomainErrorFilter {
  constructor(private readonly server: ServerSettings) {
    super()
  }

  protected override tell(request: Request, response: Response, status: number, { error: message }: ErrorBody): void {
    const { correlationId } = contextOf(request)
    const page = refusalPage({ method: request.method, status, message, home: this.server.urlOf('/'), correlationId })
    response.status(status).set(PAGE_HEADERS).send(page)
  }
}
