import { chmod, mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'

/**
 * Where programs are kept between runs, per user. As root it is readable by everybody, because PostgreSQL refuses to
 * run as root and the user that it then runs as must reach its own binaries.
 */
export async function cacheDirectory(...parts: string[]): Promise<string> {
  const root = process.getuid?.() === 0
  const base = root
    ? '/var/cache/keybearer'
    : path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'keybearer')
  const directory = path.join(base, ...parts)
  await mkdir(directory, { recursive: true })
  if (root) for (let at = directory; at.startsWith(base); at = path.dirname(at)) await chmod(at, 0o755)
  return directory
}
