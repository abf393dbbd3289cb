import { readFileSync } from 'node:fs'
import path from 'node:path'
import { ROOT } from '../house.js'
import { COLUMNS, type Column } from './cast.js'

const FILE = 'apps/e2e/src/contract/role-matrix.txt'

/** What each caller is answered: the status and, for a refusal, the error number. */
export type Row = Readonly<Record<Column, string>>

/** The table of what everybody is answered, by operation. @throws Error when its columns are not those of the cast */
export function readMatrix(): Map<string, Row> {
  const [titles = '', ...lines] = readFileSync(path.join(ROOT, FILE), 'utf8').trim().split('\n')
  const columns = ['operation', ...COLUMNS].join(' ')
  if (titles.split(/\s+/).join(' ') !== columns) throw new Error(`${FILE} must have the columns ${columns}`)
  return new Map(
    lines.map((line) => {
      const [method, path, ...cells] = line.split(/\s+/)
      return [`${method} ${path}`, Object.fromEntries(COLUMNS.map((column, index) => [column, cells[index]])) as Row]
    }),
  )
}
