import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common'
import type { Request, Response } from 'express'
import { DomainError, type ErrorKind, errorNumber, retryAfterOf } from '#libs/contracts'
import { contextOf } from '../request-context.js'

/** Carries our own code of a refusal on internal routes, so that the caller gets back the error that was thrown. */
export const ERROR_CODE_HEADER = 'keybearer-error'

/** Errors of `libs/event-sourcing`, which this library may not import, by their names. */
const CONFLICTS: Readonly<Record<string, string>> = {
  ConcurrencyConflict: 'Another change to the same thing was first. Try again.',
  IdempotencyConflict: 'This Idempotency-Key was used for another request. Choose a new one.',
}

/** How the API says no. */
export interface ErrorBody {
  readonly code: number
  readonly error: string
  readonly payload: object | null
}

/** Turns everything that is thrown into the API's error body, and logs what nobody expected. */
@Catch()
export class DomainErrorFilter implements ExceptionFilter {
  readonly #logger = new Logger('Error')

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp()
    const request = http.getRequest<Request>()
    const response = http.getResponse<Response>()
    const error = refusalOf(thrown)

    if (error === 'no such route') {
      response.status(404).type('text/plain').send('404 page not found')
      return
    }
    if (!error) this.#logger.error({ err: thrown }, 'failed in a way that nobody foresaw')
    else if (error.cause !== undefined || error.kind === 'unavailable') this.#logger.warn({ err: error }, 'refused')

    if (response.headersSent) {
      // Half an answer must not look like a whole one.
      response.destroy()
      return
    }
    if (!error) {
      const payload = { correlation_id: contextOf(request).correlationId }
      this.tell(request, response, 500, { code: 1, error: 'Internal failure', payload })
      return
    }
    const { number, status } = errorNumber(error)
    response.set(retryAfterOf(error))
    if (request.path.startsWith('/internal/')) response.setHeader(ERROR_CODE_HEADER, error.code)
    this.tell(request, response, status, { code: number, error: error.message, payload: error.payload })
  }

  protected tell(_request: Request, response: Response, status: number, body: ErrorBody): void {
    response.status(status).json(body)
  }
}

const KIND_OF_STATUS: Readonly<Record<number, ErrorKind>> = {
  401: 'unauthenticated',
  403: 'forbidden',
  409: 'conflict',
  503: 'unavailable',
}

/**
 * Whether the database went away or has no room for us: time mends it. SQLSTATE classes 08 (connection), 53 (resources)
 * and 57P (shutdown), a socket's own codes, and the cases in which pg has words only.
 */
function isOutage(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false
  const { code } = thrown as { code?: unknown }
  if (typeof code === 'string') return /^(08...|53...|57P..|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT)$/.test(code)
  return /^(Connection terminated|Client has encountered|timeout exceeded when trying to connect|Query read timeout)/.test(
    thrown.message,
  )
}

/** The refusal that may be told; `undefined` for a bug. */
function refusalOf(thrown: unknown): DomainError | 'no such route' | undefined {
  if (thrown instanceof DomainError) return thrown
  const conflict = thrown instanceof Error ? CONFLICTS[thrown.name] : undefined
  if (conflict !== undefined) return new DomainError('conflict', 'stream.conflict', conflict)
  if (isOutage(thrown)) {
    return new DomainError('unavailable', 'service.unavailable', 'This is temporarily unavailable; try again.', {
      cause: thrown,
    })
  }
  if (!(thrown instanceof HttpException)) return undefined
  const status = thrown.getStatus()
  // Ours throw DomainErrors: what comes as an HttpException is Nest's own, and its message may quote the request.
  if (status === 404) return 'no such route'
  if (status === 503 || (status >= 400 && status < 500)) {
    const kind = KIND_OF_STATUS[status] ?? 'invalid'
    return new DomainError(kind, `request.refused_${status}`, 'The request cannot be served as it is.')
  }
  return undefined
}
