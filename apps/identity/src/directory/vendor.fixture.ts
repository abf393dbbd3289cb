import { once } from 'node:events'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as it came. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** The bearer token that it carried. */
  readonly token: string | undefined
}

/** A body that is no string is sent as JSON. */
export interface Answer {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** What a vendor answers instead of the right thing; `hang`: nothing at all; `cut`: half an answer. */
export type Fault = Answer | 'hang' | 'cut'

/** A vendor's API over plain HTTP, with a journal of what came and faults to order. */
export abstract class FakeVendor {
  readonly journal: Received[] = []
  /** Holds for every request until it is taken away. */
  fault: Fault | undefined
  readonly #server: Server

  constructor() {
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy())
    })
  }

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Forgets what came and what was ordered. */
  reset(): void {
    this.journal.length = 0
    this.fault = undefined
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  protected abstract answer(request: Received): Answer

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://this.invalid')
    const received: Received = {
      method: request.method ?? '',
      path: pathname,
      query: searchParams,
      headers: request.headers,
      body,
      token: /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1],
    }
    this.journal.push(received)
    const { fault } = this
    if (fault === 'hang') return
    if (fault === 'cut') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' }).write('{"')
      response.destroy()
      return
    }
    const { status, body: answer = {}, headers = {} } = fault ?? this.answer(received)
    response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8', ...headers })
    response.end(status === 204 ? undefined : typeof answer === 'string' ? answer : JSON.stringify(answer))
  }
}
