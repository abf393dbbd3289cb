import { type Agent, request } from 'undici'
import type { Sample } from './load.js'

export interface Question {
  readonly key: string
  /** Behind `/__api__`. */
  readonly path: string
}

interface How {
  readonly agent: Agent
  readonly concurrency: number
  readonly seconds: number
}

/** Asks one question after the other, several at once, and reads each answer to its end. */
export async function ask(address: string, questions: readonly Question[], how: How): Promise<Sample> {
  const { agent, concurrency, seconds } = how
  const times: number[] = []
  let errors = 0
  let next = 0
  const began = performance.now()
  const client = async (): Promise<void> => {
    do {
      const { key, path } = questions[next++ % questions.length]!
      const from = performance.now()
      const answer = await request(`${address}/__api__${path}`, {
        headers: { authorization: `Key ${key}` },
        dispatcher: agent,
      })
      await answer.body.arrayBuffer()
      times.push(performance.now() - from)
      if (answer.statusCode !== 200) errors++
    } while (performance.now() - began < seconds * 1000)
  }
  await Promise.all(Array.from({ length: concurrency }, client))
  return { times, tookMs: performance.now() - began, errors }
}

/** Does all of it, several at once, and says each thousand. */
export async function makeAll<T>(
  what: string,
  things: readonly T[],
  { atOnce, print }: { atOnce: number; print: (line: string) => void },
  make: (thing: T, index: number) => Promise<void>,
): Promise<void> {
  const waiting = things.entries()
  let done = 0
  const work = async (): Promise<void> => {
    for (const [index, thing] of waiting) {
      await make(thing, index)
      if (++done % 10_000 === 0) print(`${done} ${what} …`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
}
