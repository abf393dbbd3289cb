import { type ClientRequest, type IncomingMessage, request as httpRequest, ServerResponse } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import { pipeline } from 'node:stream'
import type { AgentPair, GuardedAgents } from './guarded-agents.js'
import { contentRequestHeaders, type Introduction } from './request-headers.js'
import { contentResponseHeaders } from './response-headers.js'

const CONNECT_MS = 5_000
/** Until an app begins to answer. */
const SILENCE_MS = 120_000
/** Between the parts of an answer: an event stream may be quiet for long. */
const PAUSE_MS = 3_600_000

/** The stream between a visitor and an app, over HTTP or as a WebSocket. Nothing is kept and nothing is sent twice. */
export class ContentProxy {
  constructor(private readonly agents: GuardedAgents) {}

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
    // Gone while it was being found out who they are.
    if (response.destroyed) return
    const headers = { ...contentRequestHeaders(request, introduction), ...framing(request) }
    const outgoing = ask(request.method, introduction.upstream, path, headers, this.agents)
    await new Promise<void>((resolve, reject) => {
      let over = false
      const fail = (error: unknown): void => {
        if (over) return
        over = true
        outgoing.destroy()
        if (!response.headersSent && !response.destroyed) return reject(error as Error)
        response.destroy()
        resolve()
      }
      response.once('close', () => {
        over = true
        // Also for an app that has answered without the rest of the body, whether that has come or not.
        if (!response.writableFinished || !outgoing.writableFinished) outgoing.destroy()
        resolve()
      })
      request.once('error', fail)
      outgoing.on('error', fail)
      // A switch of protocols that nobody asked for ends without an error.
      outgoing.once('close', () => {
        if (!response.headersSent) fail(new Error('the app closed the connection'))
      })
      outgoing.once('response', (answer) => {
        try {
          pass(answer, introduction, response)
        } catch (error) {
          fail(error)
        }
      })
      request.pipe(outgoing)
    })
  }

  /**
   * On a connection of its own: whatever the app makes of the request, nobody else comes after it.
   * @param refuse called once when the app cannot be reached; the socket is ended after it
   */
  socket(
    request: IncomingMessage,
    socket: Socket,
    head: Buffer,
    path: string,
    introduction: Introduction,
    refuse: (error: unknown) => void,
  ): void {
    const headers = { ...contentRequestHeaders(request, introduction), connection: 'Upgrade', upgrade: 'websocket' }
    const outgoing = ask('GET', introduction.upstream, path, headers, this.agents.single)
    let answered = false
    const fail = (error: unknown): void => {
      outgoing.destroy()
      if (answered) return void socket.destroy()
      answered = true
      refuse(error)
      socket.destroySoon()
    }
    const answer = (pass: () => void): void => {
      try {
        pass()
        answered = true
      } catch (error) {
        fail(error)
      }
    }
    socket.once('close', () => outgoing.destroy())
    outgoing.on('error', fail)
    outgoing.once('upgrade', (agreed, upstream, first) => {
      upstream.on('error', () => upstream.destroy())
      answer(() => join(agreed, introduction, { socket, head }, { socket: upstream, head: first }))
    })
    outgoing.once('response', (refused) => {
      answer(() => {
        mustBeFinal(refused)
        const response = new ServerResponse(request)
        response.shouldKeepAlive = false
        response.assignSocket(socket)
        // The server tells its own responses; it has let go of this socket.
        socket.on('drain', () => response.emit('drain'))
        response.once('finish', () => socket.destroySoon())
        pass(refused, introduction, response)
      })
    })
    outgoing.end()
  }
}

/** A request to an app, of which nothing has been sent yet. */
function ask(
  method: string | undefined,
  upstream: URL,
  path: string,
  headers: Record<string, string | string[]>,
  agents: AgentPair,
): ClientRequest {
  const isSecure = upstream.protocol === 'https:'
  const options = {
    method,
    hostname: upstream.hostname.replace(/^\[|\]$/g, ''),
    port: Number(upstream.port) || (isSecure ? 443 : 80),
    path: under(upstream, path),
    headers,
  }
  const outgoing = isSecure
    ? httpsRequest({ ...options, agent: agents.https })
    : httpRequest({ ...options, agent: agents.http })
  outgoing.setTimeout(SILENCE_MS, () => outgoing.destroy(new Error('the app was silent for too long')))
  outgoing.once('socket', (socket) => {
    if (!socket.connecting) return
    const timer = setTimeout(() => outgoing.destroy(new Error('no connection came about in time')), CONNECT_MS)
    const clear = (): void => clearTimeout(timer)
    socket.once(isSecure ? 'secureConnect' : 'connect', clear).once('close', clear)
  })
  return outgoing
}

/** The base's own path and query come first. */
function under({ pathname, search }: URL, path: string): string {
  const at = path.indexOf('?')
  const [rest, query] = at < 0 ? [path, ''] : [path.slice(0, at), path.slice(at + 1)]
  const queries = [search.slice(1), query].filter((one) => one !== '')
  return pathname.replace(/\/$/, '') + rest + (queries.length > 0 ? `?${queries.join('&')}` : '')
}

/**
 * How the app is told where a body ends: as it was read here, so that what is sent can be nothing but this body.
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-6.3
 */
function framing({ headers }: IncomingMessage): Record<string, string> {
  const { 'content-length': length, 'transfer-encoding': coding } = headers
  if (coding !== undefined) return { 'transfer-encoding': 'chunked' }
  return length === undefined ? {} : { 'content-length': length }
}

/** @throws for an answer that is none */
function mustBeFinal({ statusCode: status = 0 }: IncomingMessage): void {
  if (status < 200 || status > 599) throw new Error(`the app answered with the status ${status}`)
}

/** An app that breaks off in the middle breaks the visitor's answer off too. Its words for the status stay behind. */
function pass(answer: IncomingMessage, introduction: Introduction, response: ServerResponse): void {
  mustBeFinal(answer)
  answer.socket.setTimeout(PAUSE_MS)
  response.writeHead(answer.statusCode!, contentResponseHeaders(answer, introduction))
  pipeline(answer, response, () => undefined)
}

interface End {
  readonly socket: Socket
  /** What had come before the answer was there. */
  readonly head: Buffer
}

/** Tells the visitor that the app agrees, and lets both talk. */
function join(agreed: IncomingMessage, introduction: Introduction, visitor: End, app: End): void {
  if (agreed.headers.upgrade?.toLowerCase() !== 'websocket') throw new Error('the app switched to another protocol')
  const lines = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket']
  const headers = contentResponseHeaders(agreed, introduction)
  for (let at = 0; at < headers.length; at += 2) {
    // After this answer there are frames, and no body.
    if (headers[at]!.toLowerCase() !== 'content-length') lines.push(`${headers[at]}: ${headers[at + 1]}`)
  }
  visitor.socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  for (const [from, to] of [
    [app, visitor],
    [visitor, app],
  ] as const) {
    from.socket.setTimeout(0).setNoDelay(true).setKeepAlive(true)
    if (from.head.length > 0) to.socket.write(from.head)
    from.socket.pipe(to.socket)
    from.socket.once('close', () => to.socket.destroySoon())
  }
}
