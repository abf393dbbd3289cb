import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { signalAndWait, startedAt } from './process.js'
import { StartFailure } from './start-failure.js'
import { WholeFile } from './whole-file.js'

/** What the others use, and which therefore goes last. */
const INFRASTRUCTURE: ReadonlySet<string> = new Set(['postgres', 'nats'])

interface Entry {
  readonly name: string
  readonly pid: number
  /** Of the process: its id alone may be another's by now. */
  readonly startedAt?: string
  readonly stopSignal?: NodeJS.Signals
}

/**
 * Which processes belong to this data, in `DATA/processes.json`: keeps a second launcher out, and finds what a launcher
 * that was killed has left behind.
 */
export class Census {
  readonly #file: WholeFile
  readonly #entries = new Map<string, Entry>()

  constructor(data: string) {
    this.#file = new WholeFile(path.join(data, 'processes.json'))
  }

  /**
   * Takes the data for this process and ends the strays of its predecessor.
   * @returns the names of those ended
   * @throws StartFailure when another launcher uses the data
   */
  async begin(): Promise<string[]> {
    const entries = JSON.parse(await readFile(this.#file.path, 'utf8').catch(() => '[]')) as Entry[]
    const alive: Entry[] = []
    for (const entry of entries) {
      if (entry.startedAt !== undefined && (await startedAt(entry.pid)) === entry.startedAt) alive.push(entry)
    }
    const other = alive.find(({ name }) => name === 'launcher')
    if (other) {
      throw new StartFailure(
        `Keybearer is running on this data already (process ${other.pid}): stop it, or choose another --data.`,
      )
    }
    const end = (entries: readonly Entry[]) =>
      Promise.all(entries.map(({ pid, stopSignal }) => signalAndWait(pid, stopSignal ?? 'SIGTERM', 3000)))
    await end(alive.filter(({ name }) => !INFRASTRUCTURE.has(name)))
    await end(alive.filter(({ name }) => INFRASTRUCTURE.has(name)))
    await this.add('launcher', process.pid)
    return alive.map(({ name }) => name)
  }

  async add(name: string, pid: number, stopSignal?: NodeJS.Signals): Promise<void> {
    this.#entries.set(name, { name, pid, startedAt: await startedAt(pid), stopSignal })
    await this.#file.write(() => JSON.stringify([...this.#entries.values()], null, 2))
  }

  /** Gives the data back, if it was taken. */
  async end(): Promise<void> {
    if (this.#entries.size > 0) await this.#file.remove()
  }
}
