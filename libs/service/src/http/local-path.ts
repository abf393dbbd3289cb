const LONGEST = 2000
const NOWHERE = 'http://this.invalid'

/**
 * A path of this server that a browser may be sent to after a detour, its dots resolved; `/` for everything that a
 * browser or a second reader could take for another place.
 * @param wanted as it came with the request; nothing of it is trusted
 */
export function localPath(wanted: unknown): string {
  if (typeof wanted !== 'string' || wanted.length > LONGEST) return '/'
  // Printable ASCII without a backslash: browsers make a slash of it, and delete tabs and line breaks.
  if (!/^\/(?!\/)[\x21-\x5b\x5d-\x7e]*$/.test(wanted)) return '/'
  const parsed = URL.parse(wanted, NOWHERE)
  // Dots may have brought a second slash to the front.
  if (parsed?.origin !== NOWHERE || /^\/(?:\/|%2f|%5c)/i.test(parsed.pathname)) return '/'
  return parsed.href.slice(NOWHERE.length)
}
