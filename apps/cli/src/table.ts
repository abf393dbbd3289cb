import { csvCell } from '#libs/service'

/** How rows are printed. */
export type Format = 'table' | 'csv' | 'json'

export type Cell = string | number | boolean | null
export type Row = Readonly<Record<string, Cell>>

/** @param columns name in the output to heading of the table, in order */
export function printed(rows: readonly Row[], columns: Readonly<Record<string, string>>, format: Format): string {
  const names = Object.keys(columns)
  switch (format) {
    case 'json':
      return JSON.stringify(
        rows.map((row) => Object.fromEntries(names.map((name) => [name, row[name] ?? null]))),
        null,
        2,
      )
    case 'csv':
      return [names, ...rows.map((row) => names.map((name) => row[name] ?? ''))]
        .map((cells) => cells.map((cell) => csvCell(String(cell))).join(','))
        .join('\r\n')
    case 'table': {
      const lines = [Object.values(columns), ...rows.map((row) => names.map((name) => tableCell(row[name] ?? null)))]
      const widths = names.map((_, at) => Math.max(...lines.map((cells) => [...cells[at]!].length)))
      return lines
        .map((cells) => cells.map((cell, at) => cell + ' '.repeat(widths[at]! - [...cell].length)).join('  '))
        .map((line) => line.trimEnd())
        .join('\n')
    }
  }
}

function tableCell(cell: Cell): string {
  if (cell === null || cell === '') return '-'
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no'
  return harmless(String(cell))
}

/** Names come from outside: nothing of them may steer the terminal. */
export const harmless = (text: string): string =>
  text.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  )
