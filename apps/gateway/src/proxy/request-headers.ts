import type { IncomingMessage } from 'node:http'
import { CREDENTIALS_HEADER, USER_SESSION_TOKEN_HEADER } from '#libs/contracts'
import { withoutCookies } from '../auth/cookies.js'
import { fold, HOP_BY_HOP, isPlain, namedByConnection } from '../door/header-names.js'
import { isOwnCookie } from './own-cookies.js'

/** What the gateway itself says to content about a request. */
export interface Introduction {
  /** The app's base URL, as in `upstream_url`. */
  readonly upstream: URL
  /** `Server.Address`. */
  readonly address: URL
  /** The public path under which the content is, without a trailing slash. */
  readonly base: string
  /** The peer's address. */
  readonly peer: string
  readonly correlationId: string
  /** Only for a visitor who has logged in. */
  readonly visitor?: {
    readonly guid: string
    readonly username: string
    readonly groups: readonly { readonly guid: string; readonly name: string }[]
    readonly sessionToken: string
  }
}

/** Set by us, or by nobody. Folded names. */
const NEVER_FROM_A_CLIENT: ReadonlySet<string> = new Set([
  'authorization',
  'content-length',
  'cookie',
  'expect',
  'forwarded',
  'host',
  'http2-settings',
  'origin',
  'remote-user',
  'true-client-ip',
  'via',
  'x-client-ip',
  'x-correlation-id',
  'x-forwarded',
  'x-original-url',
  'x-real-ip',
  'x-remote-user',
  'x-rewrite-url',
  'x-user',
])
/** Names under which apps look for who somebody is. */
const IDENTITY_PREFIXES = [
  'cf-connecting-',
  'keybearer-',
  'posit-connect-',
  'rstudio-connect-',
  'remote-',
  'shiny-',
  'x-auth-',
  'x-authenticated-',
  'x-forwarded-',
  'x-original-',
  'x-rsc-',
]

/**
 * The headers with which a request goes to content: built from nothing, the client's own end-to-end headers first, ours
 * last. Names are judged folded, so that no spelling of ours can come from a client. How long the body is, is for whoever
 * sends it to say.
 */
export function contentRequestHeaders(
  request: IncomingMessage,
  introduction: Introduction,
): Record<string, string | string[]> {
  const { rawHeaders, headers: parsed } = request
  const dropped = namedByConnection(parsed.connection)
  const headers: Record<string, string | string[]> = Object.create(null) as Record<string, string | string[]>
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase()
    const folded = fold(name)
    if (!isPlain(name) || HOP_BY_HOP.has(folded) || dropped.has(folded) || isOurs(folded)) continue
    const value = rawHeaders[at + 1]!
    const before = headers[name]
    headers[name] = before === undefined ? value : [before, value].flat()
  }
  return Object.assign(headers, ours(request, introduction))
}

const isOurs = (folded: string): boolean =>
  NEVER_FROM_A_CLIENT.has(folded) || IDENTITY_PREFIXES.some((prefix) => folded.startsWith(prefix))

function ours({ headers }: IncomingMessage, introduction: Introduction): Record<string, string> {
  const { upstream, address, base, peer, correlationId, visitor } = introduction
  const result: Record<string, string> = {
    host: upstream.host,
    'x-forwarded-for': peer,
    'x-forwarded-host': address.host,
    'x-forwarded-proto': address.protocol.slice(0, -1),
    'x-forwarded-prefix': base,
    'x-correlation-id': correlationId,
  }
  const cookie = withoutCookies(headers.cookie, isOwnCookie)
  if (cookie !== undefined) result['cookie'] = cookie
  if (headers.authorization !== undefined && isForeign(headers.authorization)) {
    result['authorization'] = headers.authorization
  }
  // The app's own origin, where the browser says ours: apps compare Origin with Host before they open a WebSocket.
  if (headers.origin !== undefined) {
    result['origin'] = headers.origin === address.origin ? upstream.origin : headers.origin
  }
  if (visitor) {
    result[USER_SESSION_TOKEN_HEADER] = visitor.sessionToken
    const groups = visitor.groups.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    result[CREDENTIALS_HEADER] = asciiJson({
      user: visitor.username,
      groups: groups.map(({ name }) => name),
      // Names may occur twice.
      user_guid: visitor.guid,
      group_guids: groups.map(({ guid }) => guid),
    })
  }
  return result
}

/** Whether an `Authorization` is between the client and the app. Ours is consumed here; a service token is nobody's. */
function isForeign(authorization: string): boolean {
  const [scheme = '', value = ''] = authorization.trim().split(/\s+/)
  if (['key', 'connect-bootstrap'].includes(scheme.toLowerCase())) return false
  try {
    const header: unknown = JSON.parse(Buffer.from(value.split('.')[0] ?? '', 'base64url').toString())
    const typ = typeof header === 'object' && header !== null && 'typ' in header ? header.typ : undefined
    return !(typeof typ === 'string' && typ.startsWith('keybearer-'))
  } catch {
    return true
  }
}

/** JSON in the characters that a header can carry everywhere. @see https://www.rfc-editor.org/rfc/rfc8259#section-7 */
const asciiJson = (value: unknown): string =>
  JSON.stringify(value).replace(/[\u007f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
