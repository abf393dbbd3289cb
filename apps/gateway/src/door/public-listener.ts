import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Histogram } from 'prom-client'
import { contextOf, enterRequest, type Pino } from '#libs/service'
import type { Door } from './door.js'

const MOST_HEADER_BYTES = 16_384
const PATIENCE = { headersMs: 20_000, restMs: 10_000 }

interface Watch {
  readonly pino: Pino
  readonly seconds: Histogram
}

/** The listener that the world reaches: a server of its own, so that nothing of the internal one is behind it. */
export class PublicListener {
  readonly #server: Server
  #inHand = 0
  /** How many requests of a connection have no whole answer yet; connections without such are not in it. */
  readonly #unanswered = new WeakMap<Socket, number>()
  #idle: (() => void) | undefined

  /**
   * @param patience how long all headers of a request may take together, and the rest of a body that has been answered
   *   without it
   */
  constructor(
    private readonly door: Pick<Door, 'request' | 'socket'>,
    private readonly watch: Watch,
    private readonly patience = PATIENCE,
  ) {
    this.#server = createServer(
      {
        insecureHTTPParser: false,
        requireHostHeader: true,
        maxHeaderSize: MOST_HEADER_BYTES,
        headersTimeout: patience.headersMs,
        // The time is looked at only so often: 30 s, if nothing were said.
        connectionsCheckingInterval: patience.headersMs / 4,
        // Uploads to content may be large and lines slow, but nobody may hold a request open for ever.
        requestTimeout: 1_800_000,
        keepAliveTimeout: 65_000,
        noDelay: true,
        // Anything but a WebSocket is served as if it had not asked (RFC 9110 §7.8). So is whoever has not waited for
        // the answers before: the server would let go of the socket and never end them.
        shouldUpgradeCallback: ({ headers, socket }) =>
          headers.upgrade?.toLowerCase() === 'websocket' && !this.#unanswered.has(socket),
      },
      (request, response) => this.#request(request, response),
    )
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket as Socket, head))
  }

  /** Several gateways share the port. */
  async listen(port: number, host: string | undefined): Promise<AddressInfo> {
    // Not every platform can share a port (ENOTSUP); one gateway alone does not need it.
    const listening = once(this.#server, 'listening')
    this.#server.listen({ port, host, reusePort: process.platform === 'linux' })
    await listening
    return this.#server.address() as AddressInfo
  }

  /** Takes no new connections; requests in hand have until `withinMs` to finish. */
  async stop(withinMs: number): Promise<void> {
    if (!this.#server.listening) return
    this.#server.close()
    this.#server.closeIdleConnections()
    if (this.#inHand > 0) {
      await Promise.race([
        new Promise<void>((resolve) => (this.#idle = resolve)),
        delay(withinMs, undefined, { ref: false }),
      ])
    }
    this.#server.closeAllConnections()
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
    const begun = performance.now()
    const { method, url = '', socket } = request
    this.#inHand += 1
    this.#unanswered.set(socket, (this.#unanswered.get(socket) ?? 0) + 1)
    if (!this.#server.listening) response.setHeader('Connection', 'close')
    enterRequest(request, () => {
      response.once('close', () => {
        this.#answered(socket)
        if (--this.#inHand === 0) this.#idle?.()
        if (!request.complete) this.#discard(request)
        this.#wrote(request, method, url, response.statusCode, begun, !response.writableFinished)
      })
      void this.door.request(request, response)
    })
  }

  #answered(socket: Socket): void {
    const left = this.#unanswered.get(socket)! - 1
    if (left > 0) this.#unanswered.set(socket, left)
    else this.#unanswered.delete(socket)
  }

  /** Reads on, so that the client reads its answer instead of meeting a closed door; but not for ever. */
  #discard(request: IncomingMessage): void {
    request.resume()
    const stop = (): void => void (request.complete || request.socket.destroy())
    setTimeout(stop, this.patience.restMs).unref()
  }

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const begun = performance.now()
    const { method, url = '' } = request
    // The server has let go of the socket, and with it of its errors.
    socket.on('error', () => socket.destroy())
    enterRequest(request, () => {
      socket.once('close', () => this.#wrote(request, method, url, 'socket', begun, false))
      void this.door.socket(request, socket, head)
    })
  }

  /** One line and one measurement a request. Paths only: queries hold codes and tokens. */
  #wrote(
    request: IncomingMessage,
    method: string | undefined,
    url: string,
    status: number | 'socket',
    begun: number,
    aborted: boolean,
  ): void {
    const ms = performance.now() - begun
    const path = url.split('?', 1)[0]!
    const route = routeLabel(path)
    if (status !== 'socket') this.watch.seconds.observe({ method: method ?? '', route, status }, ms / 1000)
    if (route === '/__ping__') return
    this.watch.pino.info({
      message: 'request',
      method,
      path: path.slice(0, 500),
      status,
      ms: Math.round(ms * 100) / 100,
      correlation_id: contextOf(request).correlationId,
      ...(aborted && { aborted: true }),
    })
  }
}

/** Few labels, whatever strangers ask for. */
function routeLabel(path: string): string {
  const [, first = ''] = path.split('/', 2)
  return ['__api__', '__login__', '__logout__', '__oauth__', '__ping__', '__docs__', 'content', ''].includes(first)
    ? `/${first}`
    : 'none'
}
