import type { IncomingMessage } from 'node:http'
import { fold, HOP_BY_HOP, namedByConnection } from '../door/header-names.js'
import { isOwnCookie } from './own-cookies.js'

/** What one content item may not decide for its neighbours under the same origin. Folded names. */
const NEVER_FROM_CONTENT: ReadonlySet<string> = new Set([
  'alt-svc',
  'clear-site-data',
  'public-key-pins',
  'service-worker-allowed',
  'strict-transport-security',
  'x-correlation-id',
])
const IDENTITY_PREFIXES = ['keybearer-', 'posit-connect-', 'rstudio-connect-']

export interface ContentPlace {
  readonly upstream: URL
  /** The public path of the content, without a trailing slash. */
  readonly base: string
  readonly correlationId: string
}

/** The headers of an app's answer as the visitor gets them, as a flat list of names and values. */
export function contentResponseHeaders(
  { rawHeaders, headers }: Pick<IncomingMessage, 'rawHeaders' | 'headers'>,
  { upstream, base, correlationId }: ContentPlace,
): string[] {
  const dropped = namedByConnection(headers.connection)
  const result: string[] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!
    const folded = fold(name)
    if (HOP_BY_HOP.has(folded) || dropped.has(folded) || isForbidden(folded)) continue
    const value = translated(folded, rawHeaders[at + 1]!, upstream, base)
    if (value !== undefined) result.push(name, value)
  }
  return [...result, 'X-Correlation-ID', correlationId]
}

const isForbidden = (folded: string): boolean =>
  NEVER_FROM_CONTENT.has(folded) || IDENTITY_PREFIXES.some((prefix) => folded.startsWith(prefix))

function translated(name: string, value: string, upstream: URL, base: string): string | undefined {
  if (name === 'set-cookie') return contentCookie(value, base)
  if (name === 'location' || name === 'content-location') return contentLocation(value, upstream, base)
  return value
}

/**
 * An app's cookie, confined to the app's path; `undefined` for one that would be ours, that only a whole origin can own
 * (`__Host-`), or that has no name: browsers send `=a=b` back as `a=b`.
 */
function contentCookie(cookie: string, base: string): string | undefined {
  const [pair = '', ...attributes] = cookie.split(';').map((part) => part.trim())
  const name = pair.split('=', 1)[0]!.trim()
  if (name === '' || !pair.includes('=') || isOwnCookie(name) || /^__host-/i.test(name)) return undefined
  let path = '/'
  const kept = attributes.filter((attribute) => {
    const [key = '', given = ''] = attribute.split('=', 2).map((part) => part.trim())
    if (key.toLowerCase() === 'path' && given.startsWith('/')) path = given
    return key !== '' && !['path', 'domain'].includes(key.toLowerCase())
  })
  return [pair, ...kept, `Path=${under(base, path)}`].join('; ')
}

/** A redirect inside the app, as seen from outside; other places stay what they are. */
function contentLocation(location: string, upstream: URL, base: string): string {
  if (location.startsWith('/') && !location.startsWith('//')) return under(base, location)
  const target = URL.parse(location)
  if (target?.origin !== upstream.origin) return location
  const root = upstream.pathname.replace(/\/+$/, '')
  const path = target.pathname.startsWith(`${root}/`) ? target.pathname.slice(root.length) : target.pathname
  return under(base, path + target.search + target.hash)
}

/** Apps that know where they are say so themselves. */
const under = (base: string, path: string): string =>
  path === base || path.startsWith(`${base}/`) ? path : `${base}${path}`
