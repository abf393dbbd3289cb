import { setTimeout as delay } from 'node:timers/promises'

const STORE_AGAIN_MS = 250

/**
 * Tries again until it is done: new tokens may be the only good ones there are, and a database or a key service is not
 * away for long. The work has to be one that a repeat does no harm to.
 * @param again asked after each failure, which is thrown when the answer is no
 */
export async function untilStored<T>(work: () => Promise<T>, again: (error: unknown) => boolean): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!again(error)) throw error
    }
    await delay(STORE_AGAIN_MS, undefined, { ref: false })
  }
}
