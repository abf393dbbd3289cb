import { timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { DomainError, XSRF_HEADER, xsrfToken } from '#libs/contracts'

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

export const isSafe = (method: string | undefined): boolean => SAFE.has(method ?? '')

/**
 * Whether a browser says that the request was made by a page of ours. A browser that says nothing is not held against
 * the request: then the token alone decides.
 * @param origin of `Server.Address`
 */
export function isSameOrigin(headers: IncomingHttpHeaders, origin: string): boolean {
  if (headers.origin !== undefined && headers.origin !== origin) return false
  const site = headers['sec-fetch-site']
  return site === undefined || site === 'same-origin' || site === 'none'
}

/**
 * Refuses an unsafe request that rests on the cookie alone.
 * @throws DomainError `request.xsrf_mismatch`
 */
export function refuseForgery(headers: IncomingHttpHeaders, sessionSecret: string, origin: string): void {
  const given = headers[XSRF_HEADER]
  const sent = Buffer.from(typeof given === 'string' ? given : '')
  const wanted = Buffer.from(xsrfToken(sessionSecret))
  const proved = sent.length === wanted.length && timingSafeEqual(sent, wanted)
  if (!proved || !isSameOrigin(headers, origin)) {
    throw new DomainError('forbidden', 'request.xsrf_mismatch', 'XSRF token mismatch')
  }
}
