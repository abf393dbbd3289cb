import { createHash } from 'node:crypto'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

// Plain HTTP servers that behave as vendors do: each knows one application, one code at a time and counts its tokens.

export const CLIENT_ID = 'app-1.example_id'
export const CLIENT_SECRET = 'se+cr/et='

export interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly form: URLSearchParams
}
/** A text is XML; `form`: encoded as a form instead of JSON. */
export type Told = readonly [status: number, body: object | string, form?: true]
export type Vendor = (asked: Asked, desk: Desk) => Told | Promise<Told>

/** What is open at a vendor between two requests. */
export class Desk {
  code: { readonly value: string; readonly challenge: string } | undefined
  /** Of the last authorization request. */
  query: URLSearchParams | undefined
  readonly good = new Set<string>()
  count = 0

  next(kind: string): string {
    const token = `${kind}-${++this.count}`
    this.good.add(token)
    return token
  }

  /** Whether the code is the one that is open, shown with its verifier; it is used up in any case. */
  redeems(form: URLSearchParams, pkce = true): boolean {
    const { code } = this
    this.code = undefined
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    return code !== undefined && form.get('code') === code.value && (!pkce || challenge === code.challenge)
  }
}

/** What goes wrong with an answer; each member by itself. */
export interface Fault {
  /** How many answers still suffer; all, without it. */
  times?: number
  /** Whether the vendor does its work before it goes wrong. Default `true`. */
  readonly done?: boolean
  readonly delayMs?: number
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Instead of the vendor's. */
  readonly body?: string
  /** Members of the answer's body that are changed; `undefined`: left out. */
  readonly members?: Readonly<Record<string, unknown>>
  /** Instead of any answer. */
  readonly instead?: (response: ServerResponse) => void
}

/** One request as a vendor remembers it. No token is in it. */
export interface Entry {
  readonly method: string
  readonly path: string
  readonly grantType: string | null
  readonly status: number
}

/** A vendor on a port of this machine. */
export class VendorServer {
  readonly desk = new Desk()
  /** What was asked and answered, in order. */
  readonly journal: Entry[] = []
  fault: Fault | undefined
  readonly #server: Server

  constructor(private readonly vendor: Vendor) {
    this.#server = createServer((request, response) => void this.#answer(request, response))
  }

  async start(): Promise<this> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done))
    return this
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get url(): string {
    return `http://${this.host}`
  }

  /** Somebody says yes to an authorization request; the code that the browser brings back. */
  consent(authorizationUrl: string): string {
    const query = new URL(authorizationUrl).searchParams
    this.desk.query = query
    this.desk.code = { value: 'the code', challenge: query.get('code_challenge') ?? '' }
    return this.desk.code.value
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((done) => this.#server.close(done))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = await read(request)
    if (asked.method === 'GET' && asked.path.startsWith('/authorize?')) return this.#authorize(asked, response)
    const fault = this.#dueFault()
    const told: Told = fault?.done === false ? [500, {}] : await this.vendor(asked, this.desk)
    const status = fault?.status ?? told[0]
    const { method, path, form } = asked
    this.journal.push({ method, path, grantType: form.get('grant_type'), status })
    if (fault?.delayMs) await delay(fault.delayMs, undefined, { ref: false })
    if (fault?.instead) return fault.instead(response)
    const { type, text } = written(told, fault?.members)
    response.writeHead(status, { 'content-type': type, ...fault?.headers })
    response.end(status === 204 ? undefined : (fault?.body ?? text))
  }

  /** Whoever comes says yes. */
  #authorize({ path }: Asked, response: ServerResponse): void {
    const code = this.consent(this.url + path)
    const { query } = this.desk
    const back = new URL(query?.get('redirect_uri') ?? '')
    back.searchParams.set('code', code)
    back.searchParams.set('state', query?.get('state') ?? '')
    response.writeHead(302, { location: back.href }).end()
  }

  #dueFault(): Fault | undefined {
    const { fault } = this
    if (fault?.times === undefined) return fault
    return fault.times-- > 0 ? fault : undefined
  }
}

function written([, body, form]: Told, changes: Fault['members']): { readonly type: string; readonly text: string } {
  if (typeof body === 'string') return { type: 'text/xml', text: body }
  const members = { ...body, ...changes }
  return form
    ? {
        type: 'application/x-www-form-urlencoded',
        text: new URLSearchParams(members as Record<string, string>).toString(),
      }
    : { type: 'application/json', text: JSON.stringify(members) }
}

async function read(request: IncomingMessage): Promise<Asked> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks).toString()
  const { method = '', url = '', headers } = request
  return { method, path: url, headers, body, form: new URLSearchParams(body) }
}
