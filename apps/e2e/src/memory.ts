import { readFileSync } from 'node:fs'

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
