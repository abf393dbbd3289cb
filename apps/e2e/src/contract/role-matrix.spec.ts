import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { jest } from '@jest/globals'
import { ROOT } from '../house.js'
import { ACTS } from './acts.js'
import { Cast, COLUMNS, type Column } from './cast.js'
import { OPERATIONS } from './document.js'
import { readMatrix, type Row } from './role-matrix.js'

jest.setTimeout(180_000)

const AT_ONCE = 8

describe('every operation, asked by everybody', () => {
  const expected = readMatrix()
  const actual = new Map<string, Row>()
  let cast: Cast

  beforeAll(async () => {
    cast = await Cast.start()
    const waiting = OPERATIONS.filter(({ name }) => ACTS[name] !== undefined).values()
    const work = async (): Promise<void> => {
      for (const { name, method } of waiting) actual.set(name, await rowOf(cast, name, method))
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    writeAnswers(actual)
  })
  afterAll(() => cast?.stop())

  it('D01 is a line of the table, and nothing else is', () => {
    const operations = OPERATIONS.map(({ name }) => name).sort()
    expect([...expected.keys()].sort()).toEqual(operations)
    expect(operations.filter((name) => ACTS[name] === undefined)).toEqual([])
  })

  it.each(OPERATIONS.map(({ name }) => name))('D01 D07 D08 %s answers each as the table says', (name) => {
    expect(actual.get(name)).toEqual(expected.get(name))
  })
})

async function rowOf(cast: Cast, name: string, method: string): Promise<Row> {
  const row: Partial<Record<Column, string>> = {}
  for (const column of COLUMNS) {
    try {
      const act = await ACTS[name]!(cast)
      const { status, code } = await cast.api.unhurried({ ...act, method, key: cast.keys[column] })
      row[column] = code === undefined ? `${status}` : `${status}/${code}`
    } catch (error) {
      row[column] = (error as Error).message
    }
  }
  return row as Row
}

/** The table as it would be if everything answered were right: for whoever adds an operation, to look at and copy. */
function writeAnswers(actual: ReadonlyMap<string, Row>): void {
  const rows = OPERATIONS.flatMap(({ name }) => {
    const row = actual.get(name)
    return row ? [[name, ...COLUMNS.map((column) => row[column])]] : []
  })
  const all = [['operation', ...COLUMNS], ...rows]
  const widths = all[0]!.map((_, index) => Math.max(...all.map((row) => row[index]!.length)))
  const text = all
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
  mkdirSync(path.join(ROOT, '.cache'), { recursive: true })
  writeFileSync(path.join(ROOT, '.cache/role-matrix.txt'), `${text}\n`)
}
