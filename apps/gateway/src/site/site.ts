import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Arrival } from '../door/arrival.js'
import { noSuchRoute } from '../door/refusals.js'
import type { Docs } from './docs.js'
import type { Landing } from './landing.js'
import type { Pages } from './page.js'
import type { Ping } from './ping.js'

const DOCS = '/__docs__'

/** The few paths that the gateway answers itself. */
export class Site {
  constructor(
    private readonly pages: Pages,
    private readonly ping: Ping,
    private readonly docs: Docs,
    private readonly landing: Landing,
  ) {}

  /** @throws DomainError `route.unknown` */
  async serve(arrival: Arrival, request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD') throw noSuchRoute()
    if (path === '/') return this.landing.serve(arrival, request, response)
    if (path === '/__ping__') return this.#pong(request, response)
    const isDocs = path === DOCS || path.startsWith(`${DOCS}/`)
    if (isDocs && (await this.docs.serve(request, response, path.slice(DOCS.length + 1)))) return
    throw noSuchRoute()
  }

  async #pong(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const notReady = await this.ping.notReady()
    const body =
      notReady.length === 0
        ? {}
        : { code: 1, error: `Not ready: ${notReady.join(', ')}`, payload: { not_ready: notReady } }
    this.pages.sendAs(request, response, notReady.length === 0 ? 200 : 503, 'application/json', JSON.stringify(body))
  }
}
