import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Actor, CallerName } from '#libs/contracts'

/** What is known about the request in hand; filled in as it passes the guard and the body reader. */
export interface RequestContext {
  readonly correlationId: string
  /** The service that handed the request over, or `operator`; absent until its token is verified, and on open routes. */
  caller?: CallerName
  /** Who acts; absent until the guard has decided. */
  actor?: Actor
  /** The action of `@Audit`, if the route has one. */
  audit?: string
  /** The body's bytes as they came; absent without a body. */
  rawBody?: Buffer
}

const CONTEXT = Symbol('keybearer.context')
const CORRELATION_ID = /^[\x21-\x7e]{1,128}$/

const storage = new AsyncLocalStorage<RequestContext>()

interface WithContext {
  [CONTEXT]?: RequestContext
}

/** The context of the request that the running code belongs to; `undefined` outside of requests. */
export const currentRequest = (): RequestContext | undefined => storage.getStore()

/** The context of this request. */
export function contextOf(request: IncomingMessage): RequestContext {
  const known = (request as IncomingMessage & WithContext)[CONTEXT]
  if (!known) throw new Error('The request has not passed the entrance of ServiceModule.')
  return known
}

/** Runs `next` in a new context for this request; the correlation id is the client's if it is printable, else a new one. */
export function enterRequest(request: IncomingMessage, next: (context: RequestContext) => void): void {
  const given = request.headers['x-correlation-id']
  const correlationId = typeof given === 'string' && CORRELATION_ID.test(given) ? given : randomUUID()
  const context: RequestContext = { correlationId }
  ;(request as IncomingMessage & WithContext)[CONTEXT] = context
  storage.run(context, () => next(context))
}
