import type { IncomingHttpHeaders } from 'node:http'
import { type ContentState, SHARE_LINK_PARAMETER, shareCookie, shareLinkHash, shareLinkOf } from '#libs/contracts'
import { cookieValue } from '../auth/cookies.js'

/** How long a browser goes on by a link without following it again, in seconds. */
const COOKIE_SECONDS = 12 * 3_600

const PARAMETER = new RegExp(`^${SHARE_LINK_PARAMETER}=`)

/** Takes the token of a share link out of a query, so that no app and no page behind it ever sees one. */
export function splitQuery(query: string): { token: string | undefined; query: string } {
  const parts = query.slice(1).split('&')
  const others = parts.filter((part) => !PARAMETER.test(part))
  if (others.length === parts.length) return { token: undefined, query }
  const token = parts.find((part) => PARAMETER.test(part))!.slice(SHARE_LINK_PARAMETER.length + 1)
  return { token, query: others.length > 0 ? `?${others.join('&')}` : '' }
}

/** Whom share links let in. The token itself is in the cookie, so that a link that is revoked opens nothing any more. */
export class ShareLinks {
  /** @param address `Server.Address` */
  constructor(
    private readonly address: URL,
    private readonly now: () => Date = () => new Date(),
  ) {}

  /** What a browser brings that came by a link; `undefined` for what can be no token. */
  tokenIn({ cookie }: IncomingHttpHeaders, contentGuid: string): string | undefined {
    const value = cookieValue(cookie, shareCookie(this.address, contentGuid).name)
    return value !== undefined && shareLinkHash(value) !== undefined ? value : undefined
  }

  /** Whether the token opens this item now. */
  opens(content: ContentState, token: string): boolean {
    return !content.locked && shareLinkOf(content, token, this.now()) !== undefined
  }

  /** The `Set-Cookie` for somebody who has just followed a link; `undefined` when it is no good. */
  cookie(content: ContentState, token: string): string | undefined {
    const link = shareLinkOf(content, token, this.now())
    if (!link) return undefined
    const { name, path, secure } = shareCookie(this.address, content.guid)
    const left = link.expires_at === null ? Infinity : (Date.parse(link.expires_at) - this.now().getTime()) / 1000
    const seconds = Math.max(1, Math.floor(Math.min(COOKIE_SECONDS, left)))
    const attributes = [`Path=${path}`, `Max-Age=${seconds}`, 'HttpOnly', 'SameSite=Lax', ...(secure ? ['Secure'] : [])]
    return [`${name}=${token}`, ...attributes].join('; ')
  }
}
