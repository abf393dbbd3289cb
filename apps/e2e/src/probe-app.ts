import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CREDENTIALS_HEADER, USER_SESSION_TOKEN_HEADER } from '#libs/contracts'

/** Content that keeps what the gateway gives it: the user session tokens, and every header. */
export class ProbeApp {
  /** Headers of each request, oldest first. */
  readonly requests: IncomingHttpHeaders[] = []
  /** What it answers. */
  body = 'this is the probe'
  readonly #tokens = new Map<string, string>()

  private constructor(private readonly server: Server) {
    server.on('request', (request, response) => {
      this.requests.push(request.headers)
      const { [USER_SESSION_TOKEN_HEADER]: token, [CREDENTIALS_HEADER]: credentials } = request.headers
      if (typeof token === 'string' && typeof credentials === 'string') {
        this.#tokens.set((JSON.parse(credentials) as { user: string }).user, token)
      }
      response.setHeader('content-type', 'text/plain; charset=utf-8').end(this.body)
    })
  }

  static async start(port = 0): Promise<ProbeApp> {
    const server = createServer()
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
    return new ProbeApp(server)
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** The user session token that came with this user's last visit. */
  tokenOf(username: string): string {
    const token = this.#tokens.get(username)
    if (token === undefined) throw new Error(`${username} has not been here`)
    return token
  }

  async close(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }
}
