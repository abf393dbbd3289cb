import { setTimeout as delay } from 'node:timers/promises'

/** What comes of work that goes on by itself, or `inVain` for whoever does not wait longer than so many milliseconds. */
export async function within<T>(ms: number, work: Promise<T>, inVain: T): Promise<T> {
  const over = new AbortController()
  try {
    return await Promise.race([work, delay(Math.max(0, ms), inVain, { signal: over.signal })])
  } finally {
    over.abort()
  }
}
