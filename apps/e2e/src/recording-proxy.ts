import { Agent, createServer, request, type IncomingHttpHeaders, type Server } from 'node:http'
import { pipeline } from 'node:stream'

/** One request through the proxy and its answer. */
export interface Recorded {
  readonly method: string
  /** With the query. */
  readonly url: string
  readonly requestHeaders: IncomingHttpHeaders
  readonly requestBody: Buffer
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Stands at the public address, before the gateway, and keeps every request and every answer whole. */
export class RecordingProxy {
  readonly recorded: Recorded[] = []
  readonly #agent = new Agent({ keepAlive: true })

  private constructor(
    private readonly server: Server,
    private readonly targetPort: number,
  ) {
    server.on('request', (incoming, answer) => {
      const sent: Buffer[] = []
      const options = { method: incoming.method, path: incoming.url, headers: incoming.headers, agent: this.#agent }
      const outgoing = request({ host: '127.0.0.1', port: this.targetPort, ...options }, (response) => {
        const seen: Buffer[] = []
        response.on('data', (chunk: Buffer) => seen.push(chunk))
        response.once('end', () =>
          this.recorded.push({
            method: incoming.method ?? '',
            url: incoming.url ?? '',
            requestHeaders: incoming.headers,
            requestBody: Buffer.concat(sent),
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(seen),
          }),
        )
        answer.writeHead(response.statusCode ?? 502, response.rawHeaders)
        pipeline(response, answer, () => undefined)
      })
      outgoing.once('error', () => answer.destroy())
      incoming.on('data', (chunk: Buffer) => sent.push(chunk))
      incoming.pipe(outgoing)
    })
  }

  static async start(port: number, targetPort: number): Promise<RecordingProxy> {
    const server = createServer()
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
    return new RecordingProxy(server, targetPort)
  }

  async close(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
    this.#agent.destroy()
  }
}
