import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { UnexpectedAnswer } from '../../demo/src/api.js'

/** What came of the writes of one kind. */
export class Tally {
  /** Writes that were acknowledged. */
  acknowledged = 0
  /** Answers that left open whether the write took place: connection lost, 5xx. */
  unknown = 0
}

/** Between two writes of one kind, ms: the load is steady, and leaves the processor to those who start again. */
const PACE_MS = 20

/**
 * Repeats one write, with the same idempotency key, until it is acknowledged.
 * @param repeated what a refusal means for a write that may have taken place already: whether that is the acknowledgement
 * @throws the refusal, when it is definite
 */
export async function insist<T>(
  tally: Tally,
  write: (idempotencyKey: string) => Promise<T>,
  repeated: (refusal: UnexpectedAnswer) => boolean = () => false,
): Promise<T | undefined> {
  const key = randomUUID()
  for (let tries = 0; ; tries++) {
    try {
      const answer = await write(key)
      tally.acknowledged++
      return answer
    } catch (error) {
      if (error instanceof UnexpectedAnswer && error.status < 500) {
        if (tries === 0 || !repeated(error)) throw error
        tally.acknowledged++
        return undefined
      }
      tally.unknown++
      await delay(PACE_MS)
    }
  }
}

/** Writers that go on until they are stopped; each does one write after the other. */
export class Writers {
  readonly #stop = new AbortController()
  readonly #running: Promise<void>[] = []
  readonly tallies: Record<string, Tally> = {}
  /** Why one of them has ended early. */
  failure: Error | undefined

  /** @param write one write, or a pair that belongs together; told how many there were before */
  add(name: string, write: (tally: Tally, count: number) => Promise<void>): void {
    const tally = (this.tallies[name] = new Tally())
    const run = async (): Promise<void> => {
      for (let count = 0; !this.#stop.signal.aborted; count++) {
        await write(tally, count)
        await delay(PACE_MS)
      }
    }
    this.#running.push(run().catch((error: unknown) => void (this.failure ??= error as Error)))
  }

  /** Acknowledged writes so far, by kind. */
  get progress(): Readonly<Record<string, number>> {
    return Object.fromEntries(Object.entries(this.tallies).map(([name, { acknowledged }]) => [name, acknowledged]))
  }

  /** Whether every kind has had acknowledgements since `before`. @throws what has ended a writer */
  advancedSince(before: Readonly<Record<string, number>>, by = 1): boolean {
    if (this.failure !== undefined) throw this.failure
    return Object.entries(this.progress).every(([name, count]) => count >= (before[name] ?? 0) + by)
  }

  /** Lets each finish what it has begun. @throws what has ended one of them early */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#running)
    if (this.failure !== undefined) throw this.failure
  }
}
