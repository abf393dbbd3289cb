import type { IncomingMessage } from 'node:http'
import { DomainError } from '#libs/contracts'
import { contextOf } from '#libs/service'
import { doubled } from './header-names.js'
import type { PublicAddress } from './public-address.js'

/** A request at the door, read from its socket and its request line only: no forwarded header has a say. */
export interface Arrival {
  readonly request: IncomingMessage
  /** Goes with the request through all services and logs, and back to the client as `X-Correlation-ID`. */
  readonly correlationId: string
  /** The target's path as it was sent, without query and without the server's path prefix; begins with `/`. */
  readonly path: string
  /** With its `?`, or empty. */
  readonly query: string
  /** The peer's address. */
  readonly address: string
}

/** Load balancers ask for it under whatever name they know. */
const PING = '/__ping__'

/**
 * @returns `undefined` when the path is not under that of `Server.Address`
 * @throws DomainError `request.malformed` for anything that two readers could understand differently, and for what is
 * meant for another server
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-3.2 (only the origin form is ours)
 */
export function arrivalOf(request: IncomingMessage, address: PublicAddress): Arrival | undefined {
  const target = request.url ?? ''
  if (!target.startsWith('/')) throw malformed('the request target must be a path')
  if (/[^\x21-\x7e]|[\\#]/.test(target)) throw malformed('the request target has characters that a URL cannot have')
  const twice = doubled(request)
  if (twice !== undefined) throw malformed(`the header ${twice} was sent more than once`)
  if (!['chunked', undefined].includes(request.headers['transfer-encoding']?.toLowerCase())) {
    throw malformed('a body can be coded in chunks and in no other way')
  }

  const at = target.indexOf('?')
  const whole = at < 0 ? target : target.slice(0, at)
  const path = withoutPrefix(whole, address.prefix)
  if (path !== PING && !address.isMeantBy(request.headers.host)) throw malformed(`this server is ${address.origin}`)
  if (path === undefined) return undefined
  return {
    request,
    correlationId: contextOf(request).correlationId,
    path,
    query: at < 0 ? '' : target.slice(at),
    address: request.socket.remoteAddress ?? '',
  }
}

function withoutPrefix(path: string, prefix: string): string | undefined {
  if (prefix === '') return path
  if (path === prefix) return '/'
  return path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : undefined
}

export const malformed = (message: string): DomainError => new DomainError('invalid', 'request.malformed', message)
