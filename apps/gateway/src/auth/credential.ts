import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { authenticationFailed } from '#libs/contracts'
import { cookieValue } from './cookies.js'

/** What a client proves itself with. `secret` is the thing itself: it goes to identity and nowhere else. */
export type Credential =
  | { readonly type: 'none' }
  | { readonly type: 'session' | 'api_key'; readonly secret: string }
  /** Meant for identity alone, which alone can read it. */
  | { readonly type: 'bootstrap'; readonly authorization: string }

/**
 * The credential of a request. An `Authorization` header beats the cookie, which is then as if it were not there.
 * @throws DomainError `authentication.failed` for a scheme that is not ours and for an empty key
 */
export function credentialOf({ headers }: Pick<IncomingMessage, 'headers'>, cookieName: string): Credential {
  const { authorization } = headers
  if (authorization === undefined) {
    const secret = cookieValue(headers.cookie, cookieName)
    return secret ? { type: 'session', secret } : { type: 'none' }
  }
  const at = authorization.indexOf(' ')
  const scheme = (at < 0 ? authorization : authorization.slice(0, at)).toLowerCase()
  const value = at < 0 ? '' : authorization.slice(at + 1).trim()
  if (scheme === 'key' && value !== '') return { type: 'api_key', secret: value }
  if (scheme === 'connect-bootstrap' && value !== '') return { type: 'bootstrap', authorization }
  throw authenticationFailed()
}

/** What a credential is remembered by: never the credential itself. */
export const fingerprint = ({ type, secret }: { type: string; secret: string }): string =>
  `${type}:${hash('sha256', secret, 'base64url')}`
