import { randomBytes } from 'node:crypto'
import { parseCookie, stringifySetCookie } from 'cookie'
import { Secret, sessionCookie, sidOf, XSRF_COOKIE, xsrfToken } from '#libs/contracts'

/** A browser session: `secret` is the cookie's text and goes to the browser and nowhere else; `sid` may be told. */
export interface NewSession {
  readonly secret: Secret
  readonly sid: string
  readonly expiresAt: Date
}

export function newSession(now: Date, lifetimeMs: number): NewSession {
  const secret = randomBytes(32).toString('base64url')
  return { secret: new Secret(secret), sid: sidOf(secret)!, expiresAt: new Date(now.getTime() + lifetimeMs) }
}

/** The `sid` that a browser's cookies lead to, if any. */
export function sidOfCookies(header: string | undefined, address: URL): string | undefined {
  const secret = parseCookie(header ?? '')[sessionCookie(address).name]
  return secret === undefined ? undefined : sidOf(secret)
}

/** `Set-Cookie` headers that begin a session in a browser. */
export function cookiesOf({ secret, expiresAt }: NewSession, address: URL, now: Date): string[] {
  const { name, path, secure } = sessionCookie(address)
  const maxAge = Math.floor((expiresAt.getTime() - now.getTime()) / 1000)
  const common = { path, secure, sameSite: 'lax', maxAge } as const
  return [
    stringifySetCookie(name, secret.reveal(), { ...common, httpOnly: true }),
    stringifySetCookie(XSRF_COOKIE, xsrfToken(secret.reveal()), common),
  ]
}

/** `Set-Cookie` headers that take a session out of a browser. */
export function noCookies(address: URL): string[] {
  const { name, path, secure } = sessionCookie(address)
  return [
    stringifySetCookie(name, '', { path, secure, sameSite: 'lax', maxAge: 0, httpOnly: true }),
    stringifySetCookie(XSRF_COOKIE, '', { path, secure, sameSite: 'lax', maxAge: 0 }),
  ]
}
