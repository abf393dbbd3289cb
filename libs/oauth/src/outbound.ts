import { lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, buildConnector, type Dispatcher } from 'undici'
import { addressIn, mayBeProvider, type ProviderReach } from '#libs/contracts'
import { NameLookups, type Resolve } from './name-lookups.js'

const MAX_URL = 2048
/** For name, TCP and TLS together. */
const CONNECT_MS = 3_000
const MAX_BODY = 256 * 1024
const MAX_HEADERS = 32 * 1024
/** Requests in flight to one origin; the others wait, within their own deadline. */
const CONNECTIONS = 16

export interface OutboundOptions extends ProviderReach {
  /** Milliseconds from the call to the last byte of the answer. Default 20,000. */
  readonly deadlineMs?: number
  /** Our own public origins, which no provider may name. */
  readonly ownOrigins?: readonly string[]
  /** PEM certificates trusted instead of Node's list. */
  readonly ca?: string
  /** Default: the system's resolver. */
  readonly resolve?: Resolve
}

export interface OutboundRequest {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly url: string | URL
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  readonly signal?: AbortSignal
  /** Milliseconds; overrides the client's. */
  readonly deadlineMs?: number
}

export interface OutboundAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: Buffer
}

export type OutboundReason =
  | 'url_forbidden'
  | 'address_forbidden'
  | 'name_unknown'
  | 'not_connected'
  | 'tls_failed'
  | 'timed_out'
  | 'aborted'
  | 'cut_off'
  | 'redirected'
  | 'encoded'
  | 'too_large'

/** A request that brought no answer. Names neither the address nor anything that was sent. */
export class OutboundError extends Error {
  constructor(
    readonly reason: OutboundReason,
    /** `false` only when no byte of the request can have left. */
    readonly sent: boolean,
  ) {
    super(`outbound request: ${reason}`)
    this.name = 'OutboundError'
  }
}

/**
 * The one HTTP client that may leave the house: https on permitted ports, to names and addresses that are global
 * unicast at the moment of connecting; no redirects, no compression, 256 KiB, one deadline. Each request has a
 * connection of its own, so that every address is checked and a half-closed one never leaves a request in doubt.
 */
export class Outbound {
  readonly #options: OutboundOptions
  readonly #agent: Agent
  readonly #names: NameLookups

  constructor(options: OutboundOptions = {}) {
    this.#options = options
    this.#names = new NameLookups(options.resolve ?? ((hostname, done) => systemLookup(hostname, { all: true }, done)))
    this.#agent = new Agent({
      connect: (target, callback) => this.#connect(target, callback),
      connections: CONNECTIONS,
      pipelining: 0,
      allowH2: false,
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: MAX_HEADERS,
    })
  }

  /**
   * What can be said about a URL without asking anybody; to be used when one is saved, too.
   * @throws OutboundError `url_forbidden`, or `address_forbidden` when its host is an address that is not permitted
   */
  check(url: string | URL): URL {
    const text = String(url)
    // The parser drops line breaks and turns backslashes into slashes, so look before it does.
    if (text.length > MAX_URL || /[\s\\\p{Cc}]/u.test(text) || !URL.canParse(text)) throw forbidden('url_forbidden')
    const parsed = new URL(text)
    const { protocol, hostname, username, password, hash, origin } = parsed
    if (protocol !== 'https:' && !(protocol === 'http:' && this.#options.loopback)) throw forbidden('url_forbidden')
    if (username || password || hash || text.includes('#') || hostname.endsWith('.')) throw forbidden('url_forbidden')
    if (this.#options.ownOrigins?.includes(origin)) throw forbidden('url_forbidden')
    const address = addressIn(parsed)
    if (address !== undefined && !mayBeProvider(parsed, address, this.#options)) throw forbidden('address_forbidden')
    return parsed
  }

  /**
   * Sends one request and reads its whole answer, whatever its status.
   * @throws OutboundError, also for a redirect (3xx), which is never followed
   */
  async request({ url, method = 'GET', headers, body, signal, deadlineMs }: OutboundRequest): Promise<OutboundAnswer> {
    const target = this.check(url)
    const milliseconds = deadlineMs ?? this.#options.deadlineMs ?? 20_000
    return new Promise((resolve, reject) => {
      const exchange = new Exchange(resolve, reject)
      exchange.limit(milliseconds, signal)
      this.#agent.dispatch(
        {
          origin: target.origin,
          path: `${target.pathname}${target.search}`,
          method,
          headers: { 'user-agent': 'keybearer', ...headers, 'accept-encoding': 'identity' },
          body: body ?? null,
        },
        exchange,
      )
    })
  }

  /** The same in the shape of `fetch`, for libraries that take one (openid-client, jose). */
  readonly fetch = async (url: string | URL, init: FetchInit = {}): Promise<Response> => {
    const { status, headers, body } = await this.request({
      url,
      method: init.method === 'POST' ? 'POST' : 'GET',
      headers: Object.fromEntries(new Headers(init.headers)),
      body: textOf(init.body),
      signal: init.signal ?? undefined,
    })
    return new Response(status === 204 || status === 304 ? null : new Uint8Array(body), { status, headers })
  }

  /** Refuses what is still waiting and closes every connection. */
  async close(): Promise<void> {
    await this.#agent.destroy()
  }

  #connect(target: buildConnector.Options, callback: buildConnector.Callback): void {
    const { hostname } = target
    // A literal address is never looked up, so it is checked here.
    if (isIP(hostname) && !mayBeProvider(target, hostname, this.#options)) {
      return callback(new AddressForbidden(), null)
    }
    const connect = buildConnector({
      allowH2: false,
      timeout: CONNECT_MS,
      lookup: this.#lookup(target),
      maxCachedSessions: 0,
      // Said aloud because an environment variable can change Node's default.
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      ...(this.#options.ca === undefined ? {} : { ca: this.#options.ca }),
    })
    connect(target, callback)
  }

  /** Resolves, refuses unless every address is permitted, and hands on exactly the addresses that were checked. */
  #lookup(target: Pick<URL, 'protocol' | 'port'>): LookupFunction {
    return (hostname, options, done) =>
      this.#names.lookup(hostname, (error, addresses) => {
        if (error) return done(error, '')
        const [first] = addresses
        if (!first || !addresses.every(({ address }) => mayBeProvider(target, address, this.#options))) {
          return done(new AddressForbidden(), '')
        }
        return options.all ? done(null, addresses) : done(null, first.address, first.family)
      })
  }
}

/** What of `RequestInit` is honoured. */
export interface FetchInit {
  readonly method?: string
  readonly headers?: ConstructorParameters<typeof Headers>[0]
  readonly body?: unknown
  readonly signal?: AbortSignal | null
  readonly redirect?: string
}

class AddressForbidden extends Error {}

const forbidden = (reason: 'url_forbidden' | 'address_forbidden') => new OutboundError(reason, false)

/** One request and its answer, as undici tells of them; settles once. */
class Exchange implements Dispatcher.DispatchHandler {
  #controller: Dispatcher.DispatchController | undefined
  #settled = false
  #stop: (() => void) | undefined
  #status = 0
  #headers = new Headers()
  #chunks: Buffer[] = []
  #size = 0

  constructor(
    private readonly resolve: (answer: OutboundAnswer) => void,
    private readonly reject: (error: OutboundError) => void,
  ) {}

  limit(milliseconds: number, signal: AbortSignal | undefined): void {
    // A process that was paused finds its time over and the answer arrived: what is there is read first.
    const timer = setTimeout(() => setImmediate(() => this.#fail('timed_out')), milliseconds)
    const abort = () => this.#fail('aborted')
    signal?.addEventListener('abort', abort, { once: true })
    this.#stop = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
    if (signal?.aborted) abort()
  }

  /** undici calls this when the connection stands and immediately before the first byte is written. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#settled) return controller.abort(new Error('given up'))
    this.#controller = controller
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHeaders): void {
    if (status < 200) return
    this.#status = status
    for (const [name, value] of Object.entries(headers)) {
      for (const one of [value].flat()) if (one !== undefined) this.#headers.append(name, one)
    }
    if (status >= 300 && status < 400) return this.#fail('redirected')
    const encoding = this.#headers.get('content-encoding')
    if (encoding && encoding.toLowerCase() !== 'identity') return this.#fail('encoded')
    if (Number(this.#headers.get('content-length') ?? 0) > MAX_BODY) this.#fail('too_large')
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.length
    if (this.#size > MAX_BODY) return this.#fail('too_large')
    this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    if (this.#settled) return
    this.#settle()
    this.resolve({ status: this.#status, headers: this.#headers, body: Buffer.concat(this.#chunks) })
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(this.#controller ? 'cut_off' : reasonOf(error))
  }

  #fail(reason: OutboundReason): void {
    if (this.#settled) return
    this.#settle()
    this.reject(new OutboundError(reason, this.#controller !== undefined))
    this.#controller?.abort(new Error(reason))
  }

  #settle(): void {
    this.#settled = true
    this.#stop?.()
  }
}

type IncomingHeaders = Readonly<Record<string, string | string[] | undefined>>

/** Why a connection did not come about. */
function reasonOf(error: Error): OutboundReason {
  if (error instanceof AddressForbidden) return 'address_forbidden'
  const code = 'code' in error ? String(error.code) : ''
  if (['ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'EAI_FAIL'].includes(code)) return 'name_unknown'
  if (/CERT|TLS|SSL|EPROTO|SELF_SIGNED|UNABLE_TO/.test(code)) return 'tls_failed'
  return 'not_connected'
}

/** What libraries send as a body: a form or a text. */
export function textOf(body: unknown): string | undefined {
  if (body === undefined || body === null) return undefined
  if (typeof body === 'string') return body
  if (body instanceof URLSearchParams) return body.toString()
  throw new TypeError('only forms and texts are sent')
}
