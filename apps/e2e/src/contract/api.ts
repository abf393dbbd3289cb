import { Agent, request } from 'undici'
import { eventually } from '#libs/testing'

/** One request to the public API. */
export interface ApiRequest {
  /** Behind `/__api__`, query included. */
  readonly path: string
  readonly method: string
  /** Absent: no credential. */
  readonly key?: string | undefined
  /** Sent as JSON; text and bytes as they are. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface ApiAnswer {
  readonly status: number
  /** The API's error number, absent where the body is no error. */
  readonly code?: number
  /** The parsed body; `undefined` for none and for other types. */
  readonly json: unknown
  readonly text: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** Calls the public API as an existing client would, and holds every answer to what clients silently rely on. */
export class Api {
  readonly #agent = new Agent({ connections: 64, pipelining: 1, headersTimeout: 60_000 })

  constructor(readonly address: string) {}

  /** @throws Error naming the convention that the answer broke */
  async call({ path, method, key, body, headers = {} }: ApiRequest): Promise<ApiAnswer> {
    const sent = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
    const {
      statusCode: status,
      headers: answered,
      body: stream,
    } = await request(`${this.address}/__api__${path}`, {
      // Undici's types know fewer methods than there are.
      method: method as 'GET',
      headers: {
        ...(key !== undefined && { authorization: `Key ${key}` }),
        ...(body !== undefined && typeof body === 'object' && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(sent !== undefined && { body: sent }),
      dispatcher: this.#agent,
    })
    const text = await stream.text()
    const isJson = /^application\/json\b/.test(String(answered['content-type'] ?? ''))
    const json = isJson && text !== '' ? (JSON.parse(text) as unknown) : undefined
    const code = status >= 400 ? (json as { code?: number } | undefined)?.code : undefined
    const answer: ApiAnswer = { status, ...(code !== undefined && { code }), json, text, headers: answered }
    const faults = faultsOf(answer, method)
    if (faults.length > 0) throw new Error(`${method} ${path} → ${status}: ${faults.join('; ')}: ${text.slice(0, 500)}`)
    return answer
  }

  /** The same, again while the address is told that it has shown too many keys that are none. */
  async unhurried(asked: ApiRequest): Promise<ApiAnswer> {
    let answer = await this.call(asked)
    if (answer.status !== 429) return answer
    await eventually(async () => (answer = await this.call(asked)).status !== 429, {
      timeoutMs: 20_000,
      intervalMs: 100,
    })
    return answer
  }

  /** @returns the body of an answer that must be 2xx */
  async must<T>(key: string, method: string, path: string, body?: unknown): Promise<T> {
    const { status, json, text } = await this.call({ key, method, path, body })
    if (status >= 300) throw new Error(`${method} ${path} answered ${status}: ${text}`)
    return json as T
  }

  close(): Promise<void> {
    return this.#agent.destroy()
  }
}

const TIME = /^\d{4}-\d\d-\d\dT/
const TIME_AS_CLIENTS_READ_IT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/
const NO_ROUTE = '404 page not found'

/** What every answer must be, whatever was asked: an empty list when it is so. */
export function faultsOf({ status, json, text, headers }: ApiAnswer, method: string): string[] {
  // Node's own word for a request line that is too long to be read.
  if (status === 431) return []
  const faults: string[] = []
  const type = String(headers['content-type'] ?? '')
  if (status >= 300 && status < 400) faults.push('a redirect')
  if (status === 204 && (text !== '' || headers['content-type'] !== undefined)) faults.push('204 with a body')
  if (headers['x-correlation-id'] === undefined) faults.push('no X-Correlation-ID')
  if (headers['set-cookie'] !== undefined) faults.push('a cookie for a client with a key')
  if (status >= 400 && method !== 'HEAD') {
    const isNoRoute = status === 404 && type.startsWith('text/plain') && text === NO_ROUTE
    if (!isNoRoute && !isError(json)) faults.push('an error that is not {code, error, payload}')
    if (/\bat \S+ \(|node_modules|\/(?:apps|libs|dist)\/|\bselect \b.*\bfrom\b|syntax error at|violates/i.test(text)) {
      faults.push('an error that shows the inside')
    }
  }
  everyMember(json, '', (path, name, value) => {
    if (typeof value === 'string' && TIME.test(value) && /(_time|_at|^time)$/.test(name)) {
      if (!TIME_AS_CLIENTS_READ_IT.test(value)) faults.push(`${path} is a time that clients cannot read`)
    }
    if (name === 'id' && typeof value !== 'string') faults.push(`${path} is no string`)
    if (/^(client_secret|password)$/.test(name)) faults.push(`${path} must not be shown`)
  })
  return faults
}

function isError(json: unknown): boolean {
  if (typeof json !== 'object' || json === null) return false
  const { code, error, payload, ...more } = json as Record<string, unknown>
  return (
    Number.isInteger(code) &&
    typeof error === 'string' &&
    error !== '' &&
    typeof payload === 'object' &&
    !Array.isArray(payload) &&
    Object.keys(more).length === 0
  )
}

function everyMember(value: unknown, path: string, visit: (path: string, name: string, value: unknown) => void): void {
  if (Array.isArray(value)) value.forEach((member, index) => everyMember(member, `${path}[${index}]`, visit))
  else if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      visit(`${path}.${name}`, name, member)
      everyMember(member, `${path}.${name}`, visit)
    }
  }
}
