import type { IncomingMessage } from 'node:http'
import { safeError } from './safe-error.js'

/** Headers that may stand in the log; no credential is among them, whatever it will be called. */
const HEADERS = ['accept', 'content-length', 'content-type', 'host', 'user-agent', 'x-correlation-id'] as const

/** A path without its query, which may hold codes and tokens. */
export const pathOnly = (url: string): string => url.split('?', 1)[0]!

/** How objects that are known to carry secrets are written. */
export const serializers = {
  err: safeError,
  error: safeError,
  cause: safeError,
  headers: allowedHeaders,
  req: (request: Partial<IncomingMessage>) => ({
    method: request.method,
    path: pathOnly(request.url ?? ''),
    headers: allowedHeaders(request.headers ?? {}),
  }),
  request: () => '[request]',
  res: (response: { statusCode?: number }) => ({ status: response.statusCode }),
  response: () => '[response]',
  body: () => '[body]',
  config: () => '[config]',
}

function allowedHeaders(headers: unknown): Record<string, unknown> {
  if (typeof headers !== 'object' || headers === null) return {}
  const lowered = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value as unknown]))
  return Object.fromEntries(HEADERS.filter((name) => lowered.has(name)).map((name) => [name, lowered.get(name)]))
}
