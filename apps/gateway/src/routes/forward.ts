import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Dispatcher } from 'undici'
import { ACTOR_HEADER, BOOTSTRAP_HEADER, DomainError, type ServiceName, serviceUnavailable } from '#libs/contracts'
import { isNotSent, type ReplicaPools, type ServiceTokens } from '#libs/service'
import type { Arrival } from '../door/arrival.js'
import { fold, HOP_BY_HOP, namedByConnection } from '../door/header-names.js'
import { CHALLENGE } from '../door/refusals.js'
import { isSafe } from '../auth/xsrf.js'
import type { RequestBodies } from './request-bodies.js'
import type { Upload, Uploads } from './uploads.js'

/** What of a client's request a service may hear; everything else stays at the door. */
const PASSED_ON = [
  'accept',
  'accept-language',
  'content-encoding',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'origin',
  'purpose',
  'sec-fetch-dest',
  'sec-fetch-mode',
  'sec-fetch-site',
  'sec-purpose',
  'user-agent',
] as const

export interface Forwarded {
  readonly service: Exclude<ServiceName, 'gateway'>
  /** In canonical form, without the query. */
  readonly path: string
  /** For that service; absent for somebody unknown. */
  readonly assertion?: string | undefined
  /** The value of a bootstrap credential. */
  readonly bootstrap?: string | undefined
  readonly cookies: boolean
  /** Whether what the client sends with the request means anything to the service. */
  readonly body: boolean
  /** Whether it may be large, and is passed on as it comes. */
  readonly upload?: boolean
}

/**
 * A way to send requests through to the services, the answers streamed. A replica that cannot be reached gives way to the
 * next; what may have reached one is sent again only if it changes nothing.
 */
export class Forward {
  /**
   * @param timeoutMs until the answer begins, and between its parts, be it the service or the client that is slow
   * @param prefix the path of `Server.Address`, put before the paths that services redirect to
   */
  constructor(
    private readonly pools: Pick<ReplicaPools, 'pools' | 'avoid'>,
    private readonly serviceTokens: Pick<ServiceTokens, 'mint'>,
    private readonly bodies: RequestBodies,
    private readonly uploads: Uploads,
    private readonly timeoutMs: number,
    private readonly prefix: string,
  ) {}

  /**
   * Resolves when the answer has been passed on or has broken off.
   * @throws DomainError `service.unavailable`, `service.timeout`, `request.timeout`, `request.body_unreadable` while
   * nothing has been answered
   */
  async send(arrival: Arrival, response: ServerResponse, forwarded: Forwarded): Promise<void> {
    const { service, path } = forwarded
    const { request } = arrival
    const method = request.method as Dispatcher.HttpMethod
    // Whoever is not known uploads nothing: the service says so without hearing more, and no upload waits for them.
    const heard = forwarded.body && !(forwarded.upload && forwarded.assertion === undefined)
    const sends = heard && method !== 'GET' && method !== 'HEAD' && hasBody(request)
    const upload = sends && forwarded.upload ? this.uploads.take(request, response) : undefined
    const body = upload ?? (sends ? await this.bodies.read(request, response) : null)
    const headers = this.#headers(arrival, forwarded, await this.serviceTokens.mint(service))
    const options = {
      method,
      path: path + arrival.query,
      headers,
      // What undici takes is more than its types say of it.
      body: body as Exclude<typeof body, Upload>,
      headersTimeout: this.timeoutMs,
      bodyTimeout: this.timeoutMs,
    }
    let failure: unknown
    for (const pool of this.pools.pools(service)) {
      const passing = new Passing(response, this.prefix, this.timeoutMs)
      failure = await passing.through(pool, options)
      if (failure === undefined || response.headersSent || response.destroyed) return
      const notSent = isNotSent(failure) && !upload?.begun
      if (notSent) this.pools.avoid(service, pool)
      const again = notSent || (isSafe(method) && !isTimeout(failure))
      if (!again) break
    }
    // Of the body, which is the client's.
    if (failure instanceof DomainError) throw failure
    throw isTimeout(failure)
      ? new DomainError('unavailable', 'service.timeout', 'The service did not answer in time.', { cause: failure })
      : serviceUnavailable(failure)
  }

  #headers(
    arrival: Arrival,
    { assertion, bootstrap, cookies, upload = false }: Forwarded,
    serviceToken: string,
  ): Record<string, string> {
    const given = arrival.request.headers
    const headers: Record<string, string> = {}
    for (const name of PASSED_ON) {
      const value = given[name]
      if (typeof value === 'string') headers[name] = value
    }
    // The service can refuse what is too large before it comes, and tell what broke off.
    if (upload && given['content-length'] !== undefined) headers['content-length'] = given['content-length']
    if (cookies && given.cookie !== undefined) headers['cookie'] = given.cookie
    headers['x-correlation-id'] = arrival.correlationId
    headers['x-forwarded-for'] = arrival.address
    headers['authorization'] = `Bearer ${serviceToken}`
    if (assertion !== undefined) headers[ACTOR_HEADER] = assertion
    if (bootstrap !== undefined) headers[BOOTSTRAP_HEADER] = bootstrap
    return headers
  }
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined ||
  (headers['content-length'] !== undefined && headers['content-length'] !== '0')

const isTimeout = (error: unknown): boolean =>
  ['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'].includes((error as { code?: string } | undefined)?.code ?? '')

/** One answer on its way from a replica to the client, as fast as the client reads. */
class Passing implements Dispatcher.DispatchHandler {
  #controller: Dispatcher.DispatchController | undefined
  #done!: (failure: unknown) => void
  #unread: NodeJS.Timeout | undefined

  constructor(
    private readonly response: ServerResponse,
    private readonly prefix: string,
    private readonly timeoutMs: number,
  ) {}

  /** Why nothing, or not everything, came; `undefined` when all is well. */
  through(pool: Dispatcher, options: Dispatcher.DispatchOptions): Promise<unknown> {
    return new Promise((resolve) => {
      this.#done = (failure) => {
        clearTimeout(this.#unread)
        this.response.off('close', this.#onClose).off('drain', this.#onDrain)
        resolve(failure)
      }
      this.response.on('close', this.#onClose).on('drain', this.#onDrain)
      pool.dispatch(options, this)
    })
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.response.destroyed) this.#onClose()
  }

  onResponseStart(_: unknown, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return
    if (status === 401) this.response.setHeader(...CHALLENGE)
    this.response.writeHead(status, answerHeaders(headers, this.prefix))
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.response.write(chunk)) return
    controller.pause()
    clearTimeout(this.#unread)
    // A service's connections are few: nobody keeps one by not reading.
    this.#unread = setTimeout(() => controller.abort(new Error('the client does not read')), this.timeoutMs)
  }

  onResponseEnd(): void {
    this.response.end()
    this.#done(undefined)
  }

  onResponseError(_: unknown, error: Error): void {
    // Half an answer must not look like a whole one.
    if (this.response.headersSent) this.response.destroy()
    this.#done(error)
  }

  readonly #onClose = (): void => {
    if (!this.response.writableFinished) this.#controller?.abort(new Error('the client has gone'))
  }

  readonly #onDrain = (): void => {
    clearTimeout(this.#unread)
    this.#controller?.resume()
  }
}

/** A service's headers as the client gets them. */
function answerHeaders(headers: IncomingHttpHeaders, prefix: string): Record<string, string | string[]> {
  const dropped = namedByConnection(headers.connection)
  const result: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || HOP_BY_HOP.has(name) || dropped.has(name) || fold(name).startsWith('keybearer-'))
      continue
    result[name] =
      name === 'location' && prefix !== '' && typeof value === 'string' && /^\/(?!\/)/.test(value)
        ? prefix + value
        : value
  }
  return result
}
