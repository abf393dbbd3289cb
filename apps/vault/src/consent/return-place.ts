import { localPath } from '#libs/service'

/** Where a browser goes back to after consent: into the content that it came from, or to the start page. */
export interface ReturnPlace {
  /** A path of our own, without the prefix of `Server.Address`. */
  readonly path: string
  readonly contentGuid: string | undefined
}

const CONTENT = /^\/content\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:[/?#]|$)/i

/** @param wanted a path as somebody sent it; what does not lead to content leads to the start page */
export function returnPlace(wanted: unknown): ReturnPlace {
  const path = localPath(wanted)
  const guid = CONTENT.exec(path)?.[1]?.toLowerCase()
  return guid === undefined ? { path: '/', contentGuid: undefined } : { path, contentGuid: guid }
}

/** Where a viewer consents to an integration for a content item, to come back to it. Without the prefix of `Server.Address`. */
export const consentPath = (integrationGuid: string, contentGuid: string): string =>
  `/__oauth__/integrations/${integrationGuid}/login?${new URLSearchParams({ return_to: homeOf(contentGuid) }).toString()}`

const homeOf = (contentGuid: string): string => `/content/${contentGuid}/`

/**
 * Which path to go back to: the one that was named, or the page that links to the consent if it is of the same content and
 * no other page of that was named.
 * @param wanted a path as somebody sent it
 * @param page of ours, see `pathOfReferer`
 */
export function wayBack(wanted: unknown, page: string | undefined): unknown {
  if (wanted === undefined || page === undefined) return wanted ?? page
  const { path, contentGuid } = returnPlace(wanted)
  const namesContentOnly = contentGuid !== undefined && path === homeOf(contentGuid)
  return namesContentOnly && returnPlace(page).contentGuid === contentGuid ? page : wanted
}

/**
 * The path of ours that a page says it is: content that links to a consent need not say where it is.
 * @param home the start page's URL, which ends with a slash
 */
export const pathOfReferer = (referer: string | undefined, home: string): string | undefined =>
  referer?.startsWith(home) ? `/${referer.slice(home.length)}` : undefined
