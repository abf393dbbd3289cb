import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { safeContract, type KeysInText } from './safe.conformance.js'
import { Keyring, KeyringError } from './keyring.js'

const folder = mkdtempSync(join(tmpdir(), 'keybearer-keyring-'))
afterAll(() => rmSync(folder, { recursive: true }))

const key = randomBytes(32).toString('base64')

function file(text: string, mode = 0o600): string {
  const path = join(folder, randomBytes(8).toString('hex'))
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

const load = (keys: KeysInText) => Keyring.load(file(JSON.stringify(keys)))

safeContract('a file', load)
safeContract('a text', (keys) => Keyring.parse(JSON.stringify(keys)))

describe('the key file', () => {
  it('gives its keys by version', () => {
    const former = randomBytes(32).toString('base64')
    const ring = load({ active: 2, keys: { 1: former, 2: key } })
    expect(ring.active).toBe(2)
    expect(ring.key(1)?.export().toString('base64')).toBe(former)
    expect(ring.key(2)?.export().toString('base64')).toBe(key)
    expect(ring.key(3)).toBeUndefined()
  })

  it.each([0o640, 0o604, 0o620, 0o644, 0o660])('is refused when its mode is %o', (mode) => {
    expect(() => Keyring.load(file(JSON.stringify({ active: 1, keys: { 1: key } }), mode))).toThrow(/mode must be 0600/)
  })

  it('may be stricter than 0600', () => {
    expect(Keyring.load(file(JSON.stringify({ active: 1, keys: { 1: key } }), 0o400)).active).toBe(1)
  })

  it('is refused when it is missing', () => {
    expect(() => Keyring.load(join(folder, 'none'))).toThrow('cannot be read (ENOENT)')
  })

  it.each([
    ['no JSON', `{"active":1,"keys":{"1":"${key}"`],
    ['no object', '1'],
    ['no keys', '{"active":1}'],
    ['null keys', '{"active":1,"keys":null}'],
    ['no active version', `{"keys":{"1":"${key}"}}`],
    ['an active version without a key', `{"active":2,"keys":{"1":"${key}"}}`],
    ['an active version as text', `{"active":"1","keys":{"1":"${key}"}}`],
    ['a version that is no number', `{"active":1,"keys":{"1":"${key}","new":"${key}"}}`],
    ['version 0', `{"active":0,"keys":{"0":"${key}"}}`],
    ['a version past 32 bits', `{"active":4294967296,"keys":{"4294967296":"${key}"}}`],
    ['a key of 31 bytes', `{"active":1,"keys":{"1":"${Buffer.alloc(31, 7).toString('base64')}"}}`],
    ['a key of 33 bytes', `{"active":1,"keys":{"1":"${Buffer.alloc(33, 7).toString('base64')}"}}`],
    ['a key that is no base64', `{"active":1,"keys":{"1":"${key.slice(0, -2)}!="}}`],
    ['a key that is no text', '{"active":1,"keys":{"1":7}}'],
  ])('is refused with %s, and the refusal repeats no key', (_what, text) => {
    let refusal: unknown
    try {
      Keyring.load(file(text))
    } catch (error) {
      refusal = error
    }
    expect(refusal).toBeInstanceOf(KeyringError)
    expect(inspect(refusal, { depth: 10 })).not.toContain(key.slice(0, 8))
  })

  it('is not shown when the ring is printed', () => {
    const shown = inspect(load({ active: 1, keys: { 1: key } }), { depth: 10, showHidden: true })
    expect(shown).not.toContain(key.slice(0, 8))
    expect(JSON.stringify(load({ active: 1, keys: { 1: key } }))).not.toContain(key.slice(0, 8))
  })
})
