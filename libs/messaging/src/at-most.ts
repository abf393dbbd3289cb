import { setTimeout as delay } from 'node:timers/promises'

/** Waits for the end of something that may never come, for so many milliseconds. */
export async function atMost(ms: number, work: Promise<unknown> | undefined): Promise<void> {
  const patience = new AbortController()
  try {
    await Promise.race([work, delay(ms, undefined, { signal: patience.signal }).catch(() => undefined)])
  } finally {
    patience.abort()
  }
}
