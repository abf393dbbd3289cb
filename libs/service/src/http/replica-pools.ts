import { type Dispatcher, Pool } from 'undici'
import { type ServiceName, serviceUnavailable } from '#libs/contracts'
import type { Deployment } from '../settings/deployment.js'

const CONNECT_TIMEOUT_MS = 1_000
const KEEP_ALIVE_MS = 4_000
/**
 * Apart, and many for what is passed through: a request there may wait for a slow provider or a slow client, and must
 * keep neither another visitor's nor a question of our own from its turn. A thousand wait for one refresh (R01).
 */
const CONNECTIONS = { calls: 32, forwarded: 1024 } as const
type Traffic = keyof typeof CONNECTIONS
/** A replica that could not be reached is asked last for this long. */
const AVOID_MS = 1_000

/** Errors before a request can have reached anybody. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
])

export interface ReplicaRequest {
  readonly method: Dispatcher.HttpMethod
  /** With the query, as it goes on the wire. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  /** Milliseconds for the whole answer, over all replicas. */
  readonly timeoutMs: number
}

export interface ReplicaAnswer {
  readonly statusCode: number
  readonly headers: Dispatcher.ResponseData['headers']
  readonly body: Buffer
}

interface Replica {
  readonly pools: Readonly<Record<Traffic, Pool>>
  /** By the monotonic clock. */
  avoidedUntil: number
}

/** Connections to the replicas of the other services, used in turn. */
export class ReplicaPools {
  readonly #replicas = new Map<ServiceName, Replica[]>()
  #turn = 0

  constructor(private readonly deployment: Deployment) {}

  /**
   * The pools of a service, the one whose turn it is first and unreachable ones last.
   * @param traffic `forwarded` for streaming a client's request through, `calls` for short questions of our own
   */
  pools(service: ServiceName, traffic: Traffic = 'forwarded'): Pool[] {
    return this.#inTurn(service).map(({ pools }) => pools[traffic])
  }

  /** To be called with a pool of `pools` that could not be reached: it goes last for a second. */
  avoid(service: ServiceName, pool: Pool): void {
    const replica = this.#replicas.get(service)?.find(({ pools }) => Object.values(pools).includes(pool))
    if (replica) replica.avoidedUntil = performance.now() + AVOID_MS
  }

  /**
   * Sends a request to one replica, and to the next when it could not be reached; a GET also when it broke off.
   * @throws DomainError `service.unavailable` when none answers in time
   */
  async request(service: ServiceName, request: ReplicaRequest): Promise<ReplicaAnswer> {
    const { method, path, headers, body, timeoutMs } = request
    const signal = AbortSignal.timeout(timeoutMs)
    let cause: unknown
    for (const pool of this.pools(service, 'calls')) {
      try {
        const answer = await pool.request({ method, path, headers: headers ?? {}, body: body ?? null, signal })
        return {
          statusCode: answer.statusCode,
          headers: answer.headers,
          body: Buffer.from(await answer.body.arrayBuffer()),
        }
      } catch (error) {
        cause = error
        const notSent = isNotSent(error)
        if (notSent) this.avoid(service, pool)
        if (signal.aborted || !(notSent || method === 'GET')) break
      }
    }
    throw serviceUnavailable(cause)
  }

  async close(): Promise<void> {
    const replicas = [...this.#replicas.values()].flat()
    this.#replicas.clear()
    await Promise.all(replicas.flatMap(({ pools }) => Object.values(pools).map((pool) => pool.destroy())))
  }

  #inTurn(service: ServiceName): Replica[] {
    let replicas = this.#replicas.get(service)
    if (!replicas) {
      replicas = this.deployment.urlsOf(service).map((url) => ({
        pools: { calls: poolOf(url, 'calls'), forwarded: poolOf(url, 'forwarded') },
        avoidedUntil: 0,
      }))
      this.#replicas.set(service, replicas)
    }
    if (replicas.length === 1) return replicas
    const first = this.#turn++ % replicas.length
    const inTurn = [...replicas.slice(first), ...replicas.slice(0, first)]
    const now = performance.now()
    return inTurn.sort((a, b) => Number(a.avoidedUntil > now) - Number(b.avoidedUntil > now))
  }
}

const poolOf = (url: string, traffic: Traffic): Pool =>
  new Pool(url, {
    connections: CONNECTIONS[traffic],
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
  })

/** Whether a request failed before it left, so that another replica may have it. */
export function isNotSent(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  if (typeof code === 'string' && NOT_SENT.has(code)) return true
  return error instanceof AggregateError && error.errors.length > 0 && error.errors.every(isNotSent)
}
