/** First parts of paths that the gateway, another product's dashboard or a browser ask for themselves. */
const RESERVED = new Set([
  'api',
  'apps',
  'assets',
  'connect',
  'content',
  'favicon.ico',
  'internal',
  'livez',
  'login',
  'logout',
  'metrics',
  'oauth',
  'readyz',
  'robots.txt',
  'setup',
  'users',
])

/** Whether no content item can have this path: what begins with two underscores is the server's own. */
export function isReservedPath(path: string): boolean {
  const first = path.split('/')[1]?.toLowerCase() ?? ''
  return first === '' || first.startsWith('__') || first.startsWith('.') || RESERVED.has(first)
}

/** Between the slashes of one path. */
export const MOST_VANITY_PARTS = 8

/** What paths are compared by: nobody can tell two apart by their case. */
export const vanityKey = (path: string): string => path.toLowerCase()
