import type { NextFunction, Request, RequestHandler, Response } from 'express'
import type { Actor } from '#libs/contracts'
import type { Pino } from './log/logger.js'
import { pathOnly } from './log/serializers.js'
import type { Metrics } from './metrics/metrics.js'
import { enterRequest, type RequestContext } from './request-context.js'

/** What probes ask for every few seconds: not worth a line. */
const QUIET = new Set(['/livez', '/readyz', '/metrics'])

/** Counts the requests in hand, so that a stopping process can wait for them. */
export class RequestsInHand {
  #count = 0
  #idle: (() => void)[] = []

  begin(): void {
    this.#count++
  }

  end(): void {
    if (--this.#count === 0) this.#idle.splice(0).forEach((resolve) => resolve())
  }

  /** Resolves when none is in hand. */
  async idle(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }
}

/** The entrance of every request: gives it its context, and at its end writes one line and one measurement. */
export const observe =
  (pino: Pino, metrics: Metrics, inHand: RequestsInHand, isStopping: () => boolean): RequestHandler =>
  (request: Request, response: Response, next: NextFunction): void => {
    const begun = performance.now()
    inHand.begin()
    enterRequest(request, (context) => {
      response.setHeader('X-Correlation-ID', context.correlationId)
      if (isStopping()) response.setHeader('Connection', 'close')
      response.once('close', () => {
        inHand.end()
        const ms = performance.now() - begun
        const route = routeOf(request)
        metrics.httpSeconds.observe({ method: request.method, route, status: response.statusCode }, ms / 1000)
        if (QUIET.has(route)) return
        pino.info(lineOf(request, response, context, ms))
      })
      next()
    })
  }

/** The declared path; requests to unknown ones are counted together, so that they cannot multiply the metrics. */
const routeOf = (request: Request): string => (request.route as { path?: string } | undefined)?.path ?? 'none'

function lineOf(request: Request, response: Response, context: RequestContext, ms: number): object {
  return {
    message: 'request',
    method: request.method,
    path: pathOnly(request.originalUrl),
    status: response.statusCode,
    ms: Math.round(ms * 100) / 100,
    // Written here too: `close` comes from the socket, outside the request's own asynchronous context.
    correlation_id: context.correlationId,
    ...(context.caller && { caller: context.caller }),
    ...(context.actor && { actor: loggable(context.actor) }),
    ...(context.audit && { audit: context.audit }),
    ...(!response.writableFinished && { aborted: true }),
  }
}

/** Guids and names only: a session id is a credential's shadow and stays out. */
function loggable(actor: Actor): object {
  if ('guid' in actor) return { type: actor.type, guid: actor.guid }
  return 'name' in actor ? { type: actor.type, name: actor.name } : { type: actor.type }
}
