import { createHash, createHmac } from 'node:crypto'

const COOKIE = /^[A-Za-z0-9_-]{43}$/

/**
 * The name of the browser's session cookie for a public address: as strict a prefix as the address allows, since
 * `__Host-` needs https and `Path=/`, and `__Secure-` needs https.
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis §4.1.3
 */
export function sessionCookie(address: URL): { name: string; path: string; secure: boolean } {
  const path = address.pathname.replace(/\/+$/, '') || '/'
  if (address.protocol !== 'https:') return { name: 'keybearer_session', path, secure: false }
  return path === '/'
    ? { name: '__Host-keybearer_session', path, secure: true }
    : { name: '__Secure-keybearer_session', path, secure: true }
}

/** Readable by the page, sent back in the header on every unsafe method: the proof that the page is ours. */
export const XSRF_COOKIE = 'RSC-XSRF'
export const XSRF_HEADER = 'x-rsc-xsrf'

/** What a session is known by, and may be told: the hash of its cookie; `undefined` for a text that is no cookie of ours. */
export function sidOf(cookie: string): string | undefined {
  if (!COOKIE.test(cookie)) return undefined
  const bits = Buffer.from(cookie, 'base64url')
  // One cookie, one text: the last character has two bits to spare.
  if (bits.toString('base64url') !== cookie) return undefined
  return createHash('sha256').update(bits).digest('base64url')
}

/** What a page has to send back: only who can read the page's own cookies can know it, and it dies with the session. */
export const xsrfToken = (cookie: string): string => createHmac('sha256', cookie).update('xsrf').digest('base64url')
