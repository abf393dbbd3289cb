import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { pipeline } from 'node:stream'
import { type ProxyServer, createProxyServer } from 'http-proxy-3'
import type { GuardedAgents } from './guarded-agents.js'
import { contentRequestHeaders, type Introduction } from './request-headers.js'
import { contentResponseHeaders } from './response-headers.js'

const CONNECT_MS = 5_000
/** Until an app begins to answer. */
const SILENCE_MS = 120_000
/** Between the parts of an answer: an event stream may be quiet for long. */
const PAUSE_MS = 3_600_000

/** The stream between a visitor and an app, over HTTP or as a WebSocket. Nothing is kept and nothing is sent twice. */
export class ContentProxy {
  readonly #proxy: ProxyServer
  readonly #introductions = new WeakMap<IncomingMessage, Introduction>()
  /** Upgrades that have been answered: what goes wrong from now on is not for HTTP to tell. */
  readonly #open = new WeakSet<IncomingMessage>()

  constructor(private readonly agents: GuardedAgents) {
    this.#proxy = createProxyServer({ selfHandleResponse: true, connectTimeout: CONNECT_MS, proxyTimeout: SILENCE_MS })
    this.#proxy.on('proxyRes', (answer, request, response) => this.#pass(answer, request, response as ServerResponse))
    this.#proxy.on('proxyReqWs', (outgoing, request) => this.#filterUpgrade(outgoing, request))
  }

  /**
   * @param path what the app sees, with the query
   * @throws what kept the app from answering; only while nothing has been answered
   */
  async web(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    introduction: Introduction,
  ): Promise<void> {
    this.#prepare(request, path, introduction)
    await new Promise<void>((resolve, reject) => {
      response.once('close', resolve)
      this.#proxy.web(request, response, this.#target(introduction), (error) => {
        if (!response.headersSent && !response.destroyed) return reject(error)
        response.destroy()
        resolve()
      })
    })
  }

  /** @param refuse called at once when the app cannot be reached: the socket is ended right after */
  socket(
    request: IncomingMessage,
    socket: Socket,
    head: Buffer,
    path: string,
    introduction: Introduction,
    refuse: (error: unknown) => void,
  ): void {
    this.#prepare(request, path, introduction)
    Object.assign(request.headers, { connection: 'Upgrade', upgrade: 'websocket' })
    this.#proxy.ws(request, socket, head, this.#target(introduction), (error) => {
      if (!this.#open.has(request)) refuse(error)
    })
  }

  /** http-proxy-3 sends what the request says, so the request is made to say what the app may hear. */
  #prepare(request: IncomingMessage, path: string, introduction: Introduction): void {
    this.#introductions.set(request, introduction)
    request.headers = contentRequestHeaders(request, introduction) as IncomingMessage['headers']
    request.url = path
  }

  #target({ upstream }: Introduction): { target: URL; agent: unknown } {
    return { target: upstream, agent: upstream.protocol === 'https:' ? this.agents.https : this.agents.http }
  }

  #headers(answer: IncomingMessage, request: IncomingMessage): string[] {
    return contentResponseHeaders(answer, this.#introductions.get(request)!)
  }

  #pass(answer: IncomingMessage, request: IncomingMessage, response: ServerResponse): void {
    answer.socket?.setTimeout(PAUSE_MS)
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage, this.#headers(answer, request))
    // An app that breaks off in the middle breaks the visitor's answer off too.
    pipeline(answer, response, () => undefined)
  }

  /** Before http-proxy-3 copies them to the visitor. */
  #filterUpgrade(outgoing: ClientRequest, request: IncomingMessage): void {
    const filter = (kept: Record<string, string>) => (answer: IncomingMessage) => {
      this.#open.add(request)
      const flat = this.#headers(answer, request)
      const headers: Record<string, string[]> = {}
      for (let at = 0; at < flat.length; at += 2) (headers[flat[at]!.toLowerCase()] ??= []).push(flat[at + 1]!)
      answer.headers = { ...headers, ...kept } as unknown as IncomingMessage['headers']
    }
    outgoing.prependListener('upgrade', filter({ connection: 'Upgrade', upgrade: 'websocket' }))
    outgoing.prependListener('response', filter({ connection: 'close' }))
  }
}
