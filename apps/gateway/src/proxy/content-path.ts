import { malformed } from '../door/arrival.js'

/** Where in which content item a visitor wants to go. */
export interface ContentPath {
  readonly guid: string
  /** What the app sees: begins with `/`. Empty when the slash after the guid is missing. */
  readonly rest: string
}

const CONTENT = /^\/content\/([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(\/.*)?$/

/**
 * @returns `undefined` when the path names no content item
 * @throws DomainError `request.malformed` for a path that leaves its content item in somebody's eyes
 */
export function contentPathOf(path: string): ContentPath | undefined {
  const [, guid, rest = ''] = CONTENT.exec(path) ?? []
  if (guid === undefined) return undefined
  if (climbs(rest)) throw malformed('the path has dot segments')
  return { guid: guid.toLowerCase(), rest }
}

/** Decoded once, as the app will: `..%2fB` and `%2e%2e/B` are `../B` there. */
function climbs(path: string): boolean {
  const decoded = path.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
  return decoded.split(/[/\\]/).some((segment) => segment === '.' || segment === '..')
}
