import { localPath } from '#libs/service'

/**
 * Where a browser goes after its login: a path of this server, neither back into the login nor straight out again.
 * @param wanted as it came with the request; nothing of it is trusted
 */
export function returnTo(wanted: unknown): string {
  const path = localPath(wanted)
  return /^\/__log(?:in|out)__(?:[/?#]|$)/.test(path) ? '/' : path
}
