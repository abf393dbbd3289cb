import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { Logger } from '@nestjs/common'
import { DomainError, errorNumber, retryAfterOf } from '#libs/contracts'
import { contextOf, refusalPage } from '#libs/service'
import type { Pages } from '../site/page.js'

/** An app that cannot be reached: 502. The message says who can mend it. */
export class AppUnreachable extends Error {}

/** What clients take for "this server has no such endpoint". */
export const noSuchRoute = (): DomainError => new DomainError('not_found', 'route.unknown', '404 page not found')

/** How to authenticate. @see https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1 */
export const CHALLENGE = ['WWW-Authenticate', 'Key'] as const

/** What only a gateway says. */
const STATUSES: Readonly<Record<string, number>> = { 'service.timeout': 504, 'request.timeout': 408 }

interface Told {
  readonly status: number
  readonly number: number
  readonly message: string
  readonly payload: object | null
  readonly headers: Readonly<Record<string, string>>
}

/** Tells clients that they do not get what they asked for: programs in JSON, people on a page. */
export class Refusals {
  readonly #logger = new Logger('Error')

  /** @param prefix the path of `Server.Address` */
  constructor(
    private readonly pages: Pages,
    private readonly prefix: string,
  ) {}

  answer(request: IncomingMessage, response: ServerResponse, thrown: unknown, form: 'json' | 'page'): void {
    if (response.headersSent || response.destroyed) {
      response.destroy()
      return
    }
    const correlationId = contextOf(request).correlationId
    response.setHeader('X-Correlation-ID', correlationId)
    // An unread body would be taken for the next request.
    if (!request.complete) response.setHeader('Connection', 'close')
    if (thrown instanceof DomainError && thrown.code === 'route.unknown') {
      return this.pages.sendAs(request, response, 404, 'text/plain; charset=utf-8', thrown.message)
    }
    const { status, number, message, payload, headers } = this.#told(thrown, correlationId)
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    if (form === 'json') {
      const body = JSON.stringify({ code: number, error: message, payload })
      return this.pages.sendAs(request, response, status, 'application/json', body)
    }
    const page = refusalPage({ method: request.method, status, message, home: `${this.prefix}/`, correlationId })
    this.pages.sendAs(request, response, status, 'text/html; charset=utf-8', page)
  }

  /** Refuses to open a WebSocket. */
  hangUp(request: IncomingMessage, socket: Socket, thrown: unknown): void {
    const { correlationId } = contextOf(request)
    const { status, message, headers } = this.#told(thrown, correlationId)
    if (!socket.writable) return void socket.destroy()
    socket.end(
      [
        `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
        'Connection: close',
        'Content-Type: text/plain; charset=utf-8',
        `Content-Length: ${Buffer.byteLength(message)}`,
        `X-Correlation-ID: ${correlationId}`,
        ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
        '',
        message,
      ].join('\r\n'),
    )
    // Nobody else watches this socket: it would stay half open for as long as the client likes.
    socket.destroySoon()
  }

  #told(thrown: unknown, correlationId: string): Told {
    if (thrown instanceof DomainError) {
      if (thrown.cause !== undefined || thrown.kind === 'unavailable') this.#logger.warn({ err: thrown }, 'refused')
      const { number, status } = errorNumber(thrown)
      return {
        headers: { ...(status === 401 && Object.fromEntries([CHALLENGE])), ...retryAfterOf(thrown) },
        status: STATUSES[thrown.code] ?? status,
        number,
        message: thrown.message,
        payload: thrown.kind === 'unavailable' ? { ...thrown.payload, correlation_id: correlationId } : thrown.payload,
      }
    }
    const payload = { correlation_id: correlationId }
    if (thrown instanceof AppUnreachable) {
      this.#logger.warn({ err: thrown }, 'an app does not answer')
      return { status: 502, number: 1, message: thrown.message, payload, headers: {} }
    }
    this.#logger.error({ err: thrown }, 'failed in a way that nobody foresaw')
    return { status: 500, number: 1, message: 'Internal failure', payload, headers: {} }
  }
}
