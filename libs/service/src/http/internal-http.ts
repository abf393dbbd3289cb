import { Injectable } from '@nestjs/common'
import {
  ACTOR_HEADER,
  DomainError,
  type ErrorKind,
  INTERNAL_CALLS,
  type InternalCall,
  type InternalCallName,
  serviceUnavailable,
} from '#libs/contracts'
import { ERROR_CODE_HEADER } from '../errors/domain-error.filter.js'
import { currentRequest } from '../request-context.js'
import { Deployment } from '../settings/deployment.js'
import { ServiceTokens } from '../trust/service-tokens.js'
import { ReplicaPools } from './replica-pools.js'

const DEFAULT_TIMEOUT_MS = 5_000

export interface CallOptions {
  /** Values of the path's `:name` parts. */
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  /** Sent as JSON. Wrapped secrets must be revealed by the caller: a `Secret` goes out as `[secret]`. */
  readonly body?: object
  /** The actor assertion for the callee, as identity gave it out; absent when the service acts for itself. */
  readonly assertion?: string
  /** Milliseconds for the whole answer; 5,000 unless told. */
  readonly timeoutMs?: number
}

/** Asks another service, as the table `INTERNAL_CALLS` permits. */
@Injectable()
export class InternalHttp {
  constructor(
    private readonly deployment: Deployment,
    private readonly pools: ReplicaPools,
    private readonly serviceTokens: ServiceTokens,
  ) {}

  /**
   * Makes one call. The answer's shape is the caller's to check.
   * @returns the JSON of the answer; `undefined` for 204
   * @throws DomainError as the callee refused, with its code; `service.unavailable` when it does not answer or fails
   */
  async call<Answer = unknown>(name: InternalCallName, options: CallOptions = {}): Promise<Answer> {
    const call: InternalCall = INTERNAL_CALLS[name]
    if (call.caller !== this.deployment.service) throw new Error(`${this.deployment.service} may not call ${name}.`)
    const headers: Record<string, string> = {
      authorization: `Bearer ${await this.serviceTokens.mint(call.callee)}`,
      accept: 'application/json',
    }
    if (options.assertion !== undefined) headers[ACTOR_HEADER] = options.assertion
    if (options.body !== undefined) headers['content-type'] = 'application/json'
    const correlationId = currentRequest()?.correlationId
    if (correlationId !== undefined) headers['x-correlation-id'] = correlationId

    const {
      statusCode,
      headers: answered,
      body,
    } = await this.pools.request(call.callee, {
      method: call.method,
      path: pathOf(call.path, options),
      headers,
      ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
      timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    })
    if (statusCode === 204) return undefined as Answer
    const answer = parsed(body)
    if (statusCode >= 200 && statusCode < 300 && answer !== undefined) return answer as Answer
    throw refusal(name, statusCode, String(answered[ERROR_CODE_HEADER] ?? ''), answer)
  }
}

function pathOf(path: string, { params = {}, query }: CallOptions): string {
  const filled = path.replace(/:(\w+)/g, (_, name: string) => {
    const value = params[name]
    // A dot alone would be taken for a step in the path.
    if (!value || /^\.{1,2}$/.test(value)) throw new Error(`The call needs the parameter ${name}.`)
    return encodeURIComponent(value)
  })
  return query ? `${filled}?${new URLSearchParams(query).toString()}` : filled
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

const KINDS: Readonly<Record<number, ErrorKind>> = {
  400: 'invalid',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  409: 'conflict',
  429: 'invalid',
}

function refusal(name: InternalCallName, status: number, code: string, answer: unknown): Error {
  const kind = KINDS[status]
  // A refusal without a code is not the callee's word, and one of us by the other is a fault of the house.
  if (!kind || code === '' || code.startsWith('service.')) {
    return serviceUnavailable(new Error(`${name} was answered ${status} ${code}`.trimEnd()))
  }
  const { error, payload } = (answer ?? {}) as { error?: unknown; payload?: unknown }
  return new DomainError(kind, code, typeof error === 'string' ? error : 'The request was refused.', {
    ...(typeof payload === 'object' && payload !== null && { payload: payload as Record<string, unknown> }),
  })
}
