import { readdirSync, readFileSync } from 'node:fs'

export interface Memory {
  /** MiB, pages shared with other processes counted in proportion. */
  readonly pss: number
  /** MiB, shared pages counted in full. */
  readonly rss: number
}

/** What a process occupies now. */
export function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const mebibytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) / 1024
  return { pss: mebibytes('Pss'), rss: mebibytes('Rss') }
}

/** Milliseconds of processor time that a process has used. */
export const processorTimeOf = (pid: number): number => ticksOf(statOf(String(pid)), USER_TIME, SYSTEM_TIME)

/** Milliseconds of processor time that a process and its children have used, those that have ended included. */
export function processorTimeOfFamily(pid: number): number {
  const stats = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(statOf)
  const children = stats.filter((fields) => Number(fields[PARENT]) === pid)
  const own = ticksOf(statOf(String(pid)), USER_TIME, SYSTEM_TIME, ENDED_USER_TIME, ENDED_SYSTEM_TIME)
  return children.reduce((sum, fields) => sum + ticksOf(fields, USER_TIME, SYSTEM_TIME), own)
}

/** The kernel counts in hundredths of a second, whatever its own clock does. */
const MS_PER_TICK = 10
/** Places of fields behind the name, which stands in brackets and may contain anything. */
const [PARENT, USER_TIME, SYSTEM_TIME, ENDED_USER_TIME, ENDED_SYSTEM_TIME] = [1, 11, 12, 13, 14]

const ticksOf = (fields: readonly string[], ...places: readonly number[]): number =>
  places.reduce((sum, place) => sum + Number(fields[place] ?? 0), 0) * MS_PER_TICK

function statOf(pid: string): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return [] // gone meanwhile
  }
}
