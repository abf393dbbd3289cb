import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a provider makes of a used refresh token, by the name that an administrator gives it. */
export const REUSE = ['allowed', 'grace', 'refused', 'ends_grant'] as const
export type Reuse = (typeof REUSE)[number]

/** Where a token request is held up: before it is carried out, after that, or when half of the answer is sent. */
export type Hold = 'before_commit' | 'after_commit' | 'mid_body'

/** One token request for a refresh, as the provider saw it. No token is in it. */
export interface Refresh {
  readonly reuse: Reuse
  /** `repeated`: with a refresh token that had been used before, which this provider takes. */
  outcome: 'held' | 'dropped' | 'rotated' | 'repeated' | 'refused'
}

interface Family {
  readonly reuse: Reuse
  /** Refresh tokens by when they were used first; `undefined` for the newest. */
  readonly refreshTokens: Map<string, number | undefined>
  readonly accessTokens: Set<string>
  dead: boolean
}

/** How long a used refresh token is taken by a provider that gives a grace. */
export const GRACE_MS = 15_000

/**
 * OAuth providers of every kind of rotation behind one port, each under a path of its own. Everybody consents at once;
 * token requests can be held up at labelled moments and then be dropped or carried out.
 */
export class RotatingProvider {
  readonly refreshes: Refresh[] = []
  hold: Hold | undefined
  delayMs = 0
  readonly #families: Family[] = []
  readonly #codes = new Map<string, Family>()
  readonly #held: { readonly port: number; readonly let: (go: boolean) => void }[] = []

  private constructor(private readonly server: Server) {
    server.on('request', (request, response) => void this.#serve(request, response))
  }

  static async start(): Promise<RotatingProvider> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new RotatingProvider(server)
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  /** The body of a `POST /v1/oauth/integrations` for one kind. */
  integration(reuse: Reuse): object {
    return {
      template: 'custom',
      name: `used refresh tokens: ${reuse}`,
      config: {
        auth_mode: 'Public',
        auth_type: 'Viewer',
        authorization_uri: `${this.url}/${reuse}/authorize`,
        token_uri: `${this.url}/${reuse}/token`,
        client_id: 'keybearer',
        scopes: 'data',
        refresh_token_reuse: reuse,
      },
    }
  }

  /** How many requests are held up. */
  get held(): number {
    return this.#held.length
  }

  /** The client's ports of the requests that are held up. */
  get heldPorts(): number[] {
    return this.#held.map(({ port }) => port)
  }

  /** Lets every request go on that is held up, whether its client is there or not, or makes it as if it had never come. */
  release(go: boolean): void {
    this.hold = undefined
    for (const { let: decide } of this.#held.splice(0)) decide(go)
  }

  isLive(accessToken: string | undefined): boolean {
    return this.#families.some(({ accessTokens, dead }) => !dead && accessTokens.has(accessToken ?? ''))
  }

  countOf(reuse: Reuse): number {
    return this.refreshes.filter((each) => each.reuse === reuse).length
  }

  async close(): Promise<void> {
    this.release(false)
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url)
    const [, reuse, action] = url.pathname.split('/') as [string, Reuse, string]
    if (action === 'authorize') return this.#authorize(reuse, url.searchParams, response)
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const form = new URLSearchParams(Buffer.concat(chunks).toString())
    response.on('error', () => undefined)
    if (form.get('grant_type') !== 'refresh_token') {
      const family = this.#codes.get(form.get('code') ?? '')
      this.#codes.delete(form.get('code') ?? '')
      return send(response, family ? this.#issue(family) : undefined)
    }
    const refresh: Refresh = { reuse, outcome: 'held' }
    this.refreshes.push(refresh)
    if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs))
    const { hold } = this
    if (hold === 'before_commit' && !(await this.#wait(request))) {
      refresh.outcome = 'dropped'
      response.destroy()
      return
    }
    const answer = this.#refresh(form.get('refresh_token') ?? '', refresh)
    if (hold === 'after_commit') await this.#wait(request)
    if (hold === 'mid_body') {
      const text = JSON.stringify(answer)
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
      response.write(text.slice(0, text.length / 2))
      await this.#wait(request)
      response.destroy()
      return
    }
    send(response, answer)
  }

  #wait({ socket }: IncomingMessage): Promise<boolean> {
    const port = socket.remotePort ?? 0
    return new Promise((resolve) => this.#held.push({ port, let: resolve }))
  }

  #authorize(reuse: Reuse, query: URLSearchParams, response: ServerResponse): void {
    const family: Family = { reuse, refreshTokens: new Map(), accessTokens: new Set(), dead: false }
    this.#families.push(family)
    const code = randomBytes(16).toString('hex')
    this.#codes.set(code, family)
    const back = new URL(query.get('redirect_uri') ?? '')
    back.searchParams.set('code', code)
    back.searchParams.set('state', query.get('state') ?? '')
    response.writeHead(302, { location: back.href }).end()
  }

  #refresh(token: string, refresh: Refresh): object | undefined {
    const family = this.#families.find(({ refreshTokens }) => refreshTokens.has(token))
    const usedAt = family?.refreshTokens.get(token)
    refresh.outcome = 'refused'
    if (!family || family.dead) return undefined
    if (usedAt !== undefined) {
      const late = performance.now() - usedAt > GRACE_MS
      if (family.reuse === 'ends_grant' || (family.reuse === 'grace' && late)) family.dead = true
      if (family.dead || family.reuse === 'refused') return undefined
    } else {
      family.refreshTokens.set(token, performance.now())
    }
    refresh.outcome = usedAt === undefined ? 'rotated' : 'repeated'
    return this.#issue(family)
  }

  #issue(family: Family): object {
    const [access, refresh] = [randomBytes(16).toString('hex'), randomBytes(16).toString('hex')]
    family.refreshTokens.set(refresh, undefined)
    family.accessTokens.add(access)
    return { access_token: access, token_type: 'Bearer', expires_in: 3600, refresh_token: refresh }
  }
}

function send(response: ServerResponse, answer: object | undefined): void {
  response
    .writeHead(answer ? 200 : 400, { 'content-type': 'application/json' })
    .end(JSON.stringify(answer ?? { error: 'invalid_grant' }))
}
