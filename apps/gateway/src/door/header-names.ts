import type { IncomingMessage } from 'node:http'

/**
 * A header's name as a careless reader would see it: CGI and WSGI make `_` of `-`, some decoders `-` of `%2d`. Names are
 * compared only after this, so that no spelling slips past a rule.
 */
export const fold = (name: string): string => name.toLowerCase().replaceAll('%2d', '-').replaceAll('_', '-')

/** Names that every reader understands alike. */
export const isPlain = (name: string): boolean => /^[A-Za-z0-9_-]+$/.test(name)

/** What belongs to one connection and never travels on. @see https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1 */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** The names that a message's `Connection` header declares to be hop-by-hop, folded. */
export function namedByConnection(connection: string | undefined): ReadonlySet<string> {
  if (connection === undefined) return NONE
  return new Set(connection.split(',').map((name) => fold(name.trim())))
}
const NONE: ReadonlySet<string> = new Set()

/** Headers with which a second value would let two readers see two requests. */
const SINGLETONS: ReadonlySet<string> = new Set([
  'host',
  'authorization',
  'content-type',
  'content-length',
  'origin',
  'idempotency-key',
  'x-rsc-xsrf',
])

/** The first header that came twice and must not, if any. */
export function doubled({ rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>): string | undefined {
  let seen = 0
  const names: string[] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase()
    if (!SINGLETONS.has(name)) continue
    if (seen > 0 && names.includes(name)) return name
    names.push(name)
    seen += 1
  }
  return undefined
}
