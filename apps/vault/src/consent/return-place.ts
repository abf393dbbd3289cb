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

/**
 * The path of ours that a page says it is: content that links to a consent need not say where it is.
 * @param home the start page's URL, which ends with a slash
 */
export const pathOfReferer = (referer: string | undefined, home: string): string | undefined =>
  referer?.startsWith(home) ? `/${referer.slice(home.length)}` : undefined
