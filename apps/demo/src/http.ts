import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'

/** One request and what answers it. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
}

export interface DemoServer {
  readonly port: number
  /** Ends every connection and resolves when the port is free. */
  close(): Promise<void>
}

export interface DemoServerOptions {
  /** Process name in the log. */
  readonly name: string
  /** Loopback port; 0 takes a free one. */
  readonly port: number
  readonly handle: (exchange: Exchange) => Promise<void> | void
  readonly upgrade?: (request: IncomingMessage, socket: Duplex) => void
  /** What the log says about a path; the default is the path without its query. */
  readonly route?: (path: string) => string
  /** Log lines go nowhere: for specs. */
  readonly silent?: boolean
}

/** A refusal with a status of its own; everything else that a handler throws is a 500. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }
}

/** One JSON line on standard output. Callers pass no secret and no query string. */
export function logLine(name: string, fields: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), level: 'info', name, ...fields })}\n`)
}

/** Serves HTTP on the loopback addresses of both families, so that `localhost` is right whatever it resolves to. */
export async function serve(options: DemoServerOptions): Promise<DemoServer> {
  const first = makeServer(options)
  await listen(first, options.port, '127.0.0.1')
  const { port } = first.address() as AddressInfo
  const servers = [first]
  const second = makeServer(options)
  try {
    await listen(second, port, '::1')
    servers.push(second)
  } catch {
    // A machine without IPv6 resolves localhost to 127.0.0.1 anyway.
  }
  if (options.silent !== true) logLine(options.name, { msg: 'listening', port, pid: process.pid })
  return { port, close: async () => void (await Promise.all(servers.map(stop))) }
}

/** Asked many times a second by whoever waits; the log does without. */
const POLLED = new Set(['/healthz', '/journal'])

function makeServer({ name, handle, upgrade, route = (path) => path, silent }: DemoServerOptions): Server {
  const server = createServer((request, response) => {
    const started = performance.now()
    const url = new URL(request.url ?? '/', 'http://localhost')
    if (silent !== true && !POLLED.has(url.pathname)) {
      response.once('close', () =>
        logLine(name, {
          method: request.method,
          path: route(url.pathname),
          status: response.statusCode,
          milliseconds: Math.round(performance.now() - started),
        }),
      )
    }
    void answer({ request, response, url }, handle, name)
  })
  if (upgrade) server.on('upgrade', upgrade)
  return server
}

async function answer(exchange: Exchange, handle: DemoServerOptions['handle'], name: string): Promise<void> {
  try {
    if (exchange.url.pathname === '/healthz') sendJson(exchange, 200, { status: 'ok' })
    else await handle(exchange)
  } catch (error) {
    if (!(error instanceof HttpError)) logLine(name, { level: 'error', msg: (error as Error).message })
    if (exchange.response.headersSent) exchange.response.destroy()
    else if (error instanceof HttpError)
      sendPage(exchange, error.status, 'That did not work', `<p>${text(error.message)}</p>`)
    else sendPage(exchange, 500, 'That did not work', '<p>The demo has a fault; its log says more.</p>')
  }
}

const listen = (server: Server, port: number, host: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })

const stop = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })

const LARGEST_BODY_BYTES = 64 * 1024

/** @throws HttpError 413 above 64 KiB */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > LARGEST_BODY_BYTES) throw new HttpError(413, 'That is too much.')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

export const readForm = async (request: IncomingMessage): Promise<URLSearchParams> =>
  new URLSearchParams(await readBody(request))

/** The value of one cookie of a request. */
export function cookieOf(request: IncomingMessage, name: string): string | undefined {
  return (request.headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .find((pair) => pair.startsWith(`${name}=`))
    ?.slice(name.length + 1)
}

export function sendJson({ response }: Exchange, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(body))
}

export function redirect({ response }: Exchange, location: string, headers: Record<string, string> = {}): void {
  response.writeHead(303, { location, 'cache-control': 'no-store', ...headers })
  response.end()
}

/** Text as HTML. */
export const text = (value: string): string =>
  value.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`)

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:0 auto;padding:3rem 1rem;color:#222;background:#fff;
overflow-wrap:anywhere}h1{font-size:1.6rem;line-height:1.25;margin:0 0 1rem}
button{font:inherit;padding:.5rem 1rem;margin:.25rem 0;border:1px solid #888;border-radius:.4rem;background:#f6f6f6;cursor:pointer}
button.wide{display:block;width:100%;text-align:left}button.main{background:#1a5fb4;color:#fff;border-color:#1a5fb4}
input[type=text]{font:inherit;padding:.5rem;width:14rem;max-width:100%;box-sizing:border-box}small{color:#595959}
dt{font-weight:600}dd{margin:0 0 .75rem}:focus-visible{outline:3px solid #1a5fb4;outline-offset:2px}`

/** The headers of every page of the demo. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
}

/** A page of the demo as text; `body` is HTML. */
export const pageText = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
  `<title>${text(title)}</title><style>${STYLE}</style><main><h1>${text(title)}</h1>${body}</main></html>`

/** A page of the demo; `body` is HTML. */
export function sendPage({ response }: Exchange, status: number, title: string, body: string): void {
  response.writeHead(status, PAGE_HEADERS)
  response.end(pageText(title, body))
}
