import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readPrivateFile } from './private-file.js'

describe('a file with a secret', () => {
  const folder = mkdtempSync(join(tmpdir(), 'private-'))
  const file = join(folder, 'secret')
  afterAll(() => rmSync(folder, { recursive: true }))

  it.each([0o600, 0o400])('is read with mode %o', (mode) => {
    writeFileSync(file, 'hush')
    chmodSync(file, mode)
    expect(readPrivateFile(file)).toBe('hush')
    chmodSync(file, 0o600)
  })

  it.each([0o640, 0o440, 0o644, 0o604, 0o660, 0o601, 0o602])('is refused with mode %o', (mode) => {
    writeFileSync(file, 'hush')
    chmodSync(file, mode)
    expect(() => readPrivateFile(file)).toThrow(`${file} is open to others; its mode must be 0600.`)
    chmodSync(file, 0o600)
  })

  it('is refused when it cannot be read', () => {
    expect(() => readPrivateFile(join(folder, 'none'))).toThrow('none cannot be read (ENOENT).')
    expect(() => readPrivateFile(folder)).toThrow('cannot be read (EISDIR).')
  })
})
