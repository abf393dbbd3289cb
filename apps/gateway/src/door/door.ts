import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Callers } from '../auth/callers.js'
import { LoginLimit } from '../auth/login-limit.js'
import type { Vanities } from '../proxy/vanities.js'
import type { Visits } from '../proxy/visits.js'
import type { Forward } from '../routes/forward.js'
import { canonicalPath, type Route, routeOf } from '../routes/routes.js'
import type { Site } from '../site/site.js'
import { type Arrival, arrivalOf, malformed } from './arrival.js'
import type { PublicAddress } from './public-address.js'
import { noSuchRoute, type Refusals } from './refusals.js'

/** As on our own pages. A service does not know whether the world comes by https. */
const HSTS = ['Strict-Transport-Security', 'max-age=31536000; includeSubDomains'] as const

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/**
 * Everything that comes from outside comes through here: read strictly, then content to its proxy, a service's path to
 * that service, and what is left to our own pages. Requests and WebSockets take the same way.
 */
export class Door {
  /** Of the provider's words that somebody has logged out, which must not use up what logins need. */
  readonly #logoutLimit = new LoginLimit()

  constructor(
    private readonly callers: Callers,
    private readonly limit: LoginLimit,
    private readonly forward: Forward,
    private readonly visits: Visits,
    private readonly vanities: Vanities,
    private readonly site: Site,
    private readonly refusals: Refusals,
    private readonly address: PublicAddress,
  ) {}

  /** Never rejects. */
  async request(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let form: 'json' | 'page' = request.url?.startsWith(`${this.address.prefix}/__api__`) ? 'json' : 'page'
    try {
      const arrival = arrivalOf(request, this.address)
      if (!arrival) throw noSuchRoute()
      if (request.method === 'TRACE') throw noSuchRoute()
      if (isContent(arrival.path)) return await this.visits.web(arrival, response)
      const path = canonicalPath(arrival.path)
      const route = path === undefined ? undefined : routeOf(path)
      if (path !== undefined && route) {
        form = route.audience === 'api' ? 'json' : 'page'
        return await this.#service(arrival, response, path, route)
      }
      if (this.vanities.redirect(arrival, response)) return
      if (path === undefined) throw noSuchRoute()
      await this.site.serve(arrival, request, response, path)
    } catch (error) {
      this.refusals.answer(request, response, error, form)
    }
  }

  /** Never rejects. */
  async socket(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const refuse = (error: unknown): void => this.refusals.hangUp(request, socket, error)
    try {
      const arrival = arrivalOf(request, this.address)
      if (!arrival || !isContent(arrival.path)) throw noSuchRoute()
      mustHaveNoBody(request)
      await this.visits.socket(arrival, socket, head, refuse)
    } catch (error) {
      refuse(error)
    }
  }

  async #service(arrival: Arrival, response: ServerResponse, path: string, route: Route): Promise<void> {
    if (!METHODS.has(arrival.request.method ?? '')) throw noSuchRoute()
    if (route.limited === 'attempts') this.limit.take(arrival.address)
    if (this.address.isHttps) response.setHeader(...HSTS)
    const { assertion, bootstrap } = await this.callers.introduce(arrival, route)
    const { service, cookies = false, upload = false } = route
    const body = route.audience === 'api'
    const send = () =>
      this.forward.send(arrival, response, { service, path, assertion, bootstrap, cookies, body, upload })
    if (route.limited !== 'failures') return await send()
    await this.#logoutLimit.countFailure(arrival.address, async () => {
      await send()
      return response.statusCode < 400
    })
  }
}

/**
 * What comes after the head of such a request is no body for us, so it must be none for anybody.
 * @see https://www.rfc-editor.org/rfc/rfc6455#section-4.1
 */
function mustHaveNoBody({ method, headers }: IncomingMessage): void {
  if (method !== 'GET') throw malformed('a WebSocket is opened with GET')
  if (headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined) {
    throw malformed('a WebSocket is opened without a body')
  }
}

const isContent = (path: string): boolean => path.startsWith('/content/')
