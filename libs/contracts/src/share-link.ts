import type { ContentState, ShareLinkState } from './content.contract.js'
import { sidOf } from './session.js'

/** The query parameter with which somebody arrives by a share link; no app ever sees it. */
export const SHARE_LINK_PARAMETER = 'share_link'

/** As many live links as a content item can have. */
export const MOST_SHARE_LINKS = 50

/** What a link's token is known by, and may be told: the hash of its 256 random bits; `undefined` for what is no token. */
export const shareLinkHash = (token: string): string | undefined => sidOf(token)

/** The live link of a content item that a token opens, if there is one. */
export function shareLinkOf(
  { share_links: links = [] }: Pick<ContentState, 'share_links'>,
  token: string,
  now: Date,
): ShareLinkState | undefined {
  const hash = shareLinkHash(token)
  return links.find(
    (link) => link.token_hash === hash && (link.expires_at === null || Date.parse(link.expires_at) > now.getTime()),
  )
}

/** The cookie that goes on opening one content item for somebody who came by a link. Its value is the token. */
export function shareCookie(address: URL, contentGuid: string): { name: string; path: string; secure: boolean } {
  const secure = address.protocol === 'https:'
  const prefix = address.pathname.replace(/\/+$/, '')
  return {
    name: secure ? '__Secure-keybearer_share' : 'keybearer_share',
    path: `${prefix}/content/${contentGuid}/`,
    secure,
  }
}
