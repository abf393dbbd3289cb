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
