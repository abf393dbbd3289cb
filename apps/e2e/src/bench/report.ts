import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import path from 'node:path'
import { format, resolveConfig } from 'prettier'
import { ROOT } from '../house.js'

export const round = (value: number): string => Math.round(value).toString()
export const ms = (value: number): string => `${value.toFixed(1)} ms`

/** When, and of which revision, for the line under a report's title. */
export function revision(): string {
  const git = (...args: string[]): string => execFileSync('git', ['-C', ROOT, ...args], { encoding: 'utf8' }).trim()
  const changed =
    git('status', '--porcelain', '--', 'apps', 'libs') === '' ? '' : ', with changes that are not committed'
  const now = new Date().toISOString().slice(0, 16).replace('T', ' ')
  return `${now} UTC, revision ${git('rev-parse', '--short', 'HEAD')}${changed}.`
}

/** What it ran on, and how busy that is at this moment. */
export function machine(): string {
  const [processor] = cpus()
  const hardware = `${cpus().length} × ${processor?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB`
  return `${hardware}, Node ${process.version}; load average at the end ${loadavg()[0]?.toFixed(1)}.`
}

/** Writes `docs/reports/NAME.md`. */
export async function writeReport(name: string, text: string): Promise<void> {
  const file = path.join(ROOT, 'docs/reports', `${name}.md`)
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, await format(text, { ...(await resolveConfig(file)), filepath: file }))
}
