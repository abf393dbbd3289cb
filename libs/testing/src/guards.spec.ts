import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

interface Guard {
  readonly id: string
  readonly guard: string
  readonly file: string
  readonly from: string
  readonly spec: string
  readonly name?: string
}

const table = pathToFileURL(path.resolve('scripts/guards.table.mjs')).href
const { guards } = (await import(table)) as { guards: Guard[] }
const read = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '')

it.each(guards)('the guard that `npm run guards` turns off is where it says: $id $guard', (row) => {
  const { id, file, from, spec, name } = row
  expect({ file, from, times: read(file).split(from).length - 1 }).toEqual({ file, from, times: 1 })
  // What a test is called may be put together from several texts.
  if (name === undefined) expect(read(spec)).toMatch(new RegExp(`\\b${id}\\b`))
  else expect(existsSync(spec)).toBe(true)
})
