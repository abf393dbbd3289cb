import type { ServerResponse } from 'node:http'
import type { Fault } from './vendor-server.js'

const drip = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'application/json' })
  const timer = setInterval(() => response.write(' '), 1000)
  response.on('close', () => clearInterval(timer))
}

const flood = (response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'application/json' })
  let left = 800
  const more = (): void => {
    if (response.destroyed) return
    if (left-- === 0) response.end()
    else response.write(Buffer.alloc(65_536, ' '), more)
  }
  more()
}

const failing = (status: number, headers: Record<string, string> = {}): Fault => ({
  ...{ done: false, status, headers, body: '{}' },
})

/** What may be wrong with a provider that says nothing of the grant; each a fault of a `VendorServer`. */
export const SICKNESSES: Readonly<Record<string, Fault>> = {
  'answers after 30 s': { done: false, delayMs: 30_000, status: 500 },
  'accepts and never answers': { done: false, instead: () => undefined },
  'resets the connection': { done: false, instead: (response) => void response.socket?.resetAndDestroy() },
  'answers 500': failing(500),
  'answers 429, Retry-After in seconds': failing(429, { 'retry-after': '120' }),
  'answers 429, Retry-After as a date': failing(429, {
    'retry-after': new Date(Date.now() + 120_000).toUTCString(),
  }),
  'answers 429, an absurd Retry-After': failing(429, { 'retry-after': '99999999999999999999' }),
  'answers with a page': {
    ...{ done: false, status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Back soon</html>' },
  },
  'answers {}': failing(200),
  'answers with another content type': {
    ...{ done: false, status: 200, headers: { 'content-type': 'image/png' }, body: 'PNG' },
  },
  'answers with half of its JSON': { done: false, status: 200, body: '{"access_token":"hal' },
  'answers with 50 MB': { done: false, instead: flood },
  'answers a byte a second': { done: false, instead: drip },
  'says that it is busy': { done: false, status: 503, body: '{"error":"temporarily_unavailable"}' },
}
