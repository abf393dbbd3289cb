const LONGEST = 2000
const NOWHERE = 'http://this.invalid'

/**
 * Where a browser goes after its login: a path of this server, and `/` for everything that a browser or a second
 * reader could take for another place.
 * @param wanted as it came with the request; nothing of it is trusted
 */
export function returnTo(wanted: unknown): string {
  if (typeof wanted !== 'string' || wanted.length > LONGEST) return '/'
  // Printable ASCII without a backslash: browsers make a slash of it, and delete tabs and line breaks.
  if (!/^\/(?!\/)[\x21-\x5b\x5d-\x7e]*$/.test(wanted) || /^\/(?:%2f|%5c)/i.test(wanted)) return '/'
  const parsed = URL.parse(wanted, NOWHERE)
  if (parsed?.origin !== NOWHERE || parsed.pathname.startsWith('//')) return '/'
  // Neither back into the login nor straight out again.
  return /^\/__log(?:in|out)__(?:\/|$)/.test(parsed.pathname) ? '/' : wanted
}
