import { isLocal } from './fields.js'

/**
 * A URL by its components, so that nothing of an answer can become another part of it than it is meant for.
 * @param host as `host()` keeps it; this machine, which only `loopback` lets into a form, is spoken to in plain http
 * @param path segments, each encoded here
 * @param query what the endpoint wants beside what RFC 6749 names; it is retained (RFC 6749 §3.1)
 * @throws TypeError when `host` is none or a segment would lead elsewhere
 */
export function endpointAt(
  host: string,
  path: readonly string[],
  query: Readonly<Record<string, string>> = {},
): string {
  const url = new URL(isLocal(host) ? 'http://localhost' : 'https://host.invalid')
  url.host = host
  if (url.host !== host) throw new TypeError('not the name of a host')
  if (path.some((segment) => /^\.{0,2}$/.test(segment))) throw new TypeError('a segment of a path that leads elsewhere')
  url.pathname = path.map(encodeURIComponent).join('/')
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  return url.href
}
