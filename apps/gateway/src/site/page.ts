import type { IncomingMessage, ServerResponse } from 'node:http'
import helmet from 'helmet'
import { htmlPage, PAGE_DIRECTIVES, type PageParts } from '#libs/service'

type Directives = Readonly<Record<string, readonly string[]>>

/** The house's own pages, with the headers that only they get: content decides for itself. */
export class Pages {
  readonly #headers: ReturnType<typeof helmet>

  /** @param directives of the content security policy, over those of an ordinary page */
  constructor(isHttps: boolean, directives: Directives = {}) {
    this.#headers = helmet({
      contentSecurityPolicy: { useDefaults: false, directives: { ...PAGE_DIRECTIVES, ...directives } },
      strictTransportSecurity: isHttps,
      crossOriginOpenerPolicy: isHttps,
      originAgentCluster: isHttps,
      referrerPolicy: { policy: 'same-origin' },
    })
  }

  send(request: IncomingMessage, response: ServerResponse, status: number, page: PageParts): void {
    this.sendAs(request, response, status, 'text/html; charset=utf-8', htmlPage(page))
  }

  sendAs(
    request: IncomingMessage,
    response: ServerResponse,
    status: number,
    type: string,
    body: string | Buffer,
  ): void {
    this.secure(request, response)
    response.writeHead(status, {
      'Content-Type': type,
      'Content-Length': Buffer.byteLength(body),
      'Cache-Control': 'no-store',
    })
    response.end(request.method === 'HEAD' ? undefined : body)
  }

  /** Sets the headers alone. */
  secure(request: IncomingMessage, response: ServerResponse): void {
    this.#headers(request, response, (error?: unknown) => {
      if (error) throw error as Error
    })
  }
}
