/**
 * A path of our own that a browser may be sent to after a detour; everything else becomes `/`.
 * @param path as a client gave it
 * @param origin the public one
 */
export function localPath(path: string | undefined, origin: string): string {
  if (!path || path.length > 2048 || !/^\/(?![/\\])/.test(path) || /[\p{Cc}\\]/u.test(path)) return '/'
  if (!URL.canParse(path, origin)) return '/'
  const url = new URL(path, origin)
  // Dots may have brought a second slash to the front.
  if (url.origin !== new URL(origin).origin || url.pathname.startsWith('//')) return '/'
  return `${url.pathname}${url.search}${url.hash}`
}
