import fc from 'fast-check'
import { repeatedName } from './repeated-name.js'

describe('H02 a name that a JSON object has twice', () => {
  it.each([
    ['{"role":"viewer","role":"administrator"}', 'role'],
    ['{"a":1,"\\u0061":2}', 'a'],
    ['[{"a":[{"b":{}, "c":[] , "b"\n: null}]}]', 'b'],
    [`{"a":${'['.repeat(200_000)}${']'.repeat(200_000)},"a":1}`, 'a'],
    ['{"":1,"":1}', ''],
    ['{"a\\"":1,"a\\"":1}', 'a"'],
    ['{"__proto__":1,"__proto__":1}', '__proto__'],
  ])('is found (%#)', (json, name) => {
    expect(repeatedName(json)).toBe(name)
  })

  it.each([
    '{"a":{"a":{"a":1}},"b":{"a":1}}',
    '[{"a":1},{"a":1}]',
    '{"a":"a","b":["a","a","a:","\\":"],"c":"{\\"a\\":1,\\"a\\":2}"}',
    '{"a":"x\\\\","b":"\\":"}',
  ])('is not seen in %s', (json) => {
    expect(repeatedName(json)).toBeUndefined()
  })

  it('is not seen in anything that was an object', () => {
    fc.assert(fc.property(fc.json(), (json) => repeatedName(json) === undefined))
  })

  it('H10 is looked for in a MiB of anything in a moment', () => {
    for (const json of [
      JSON.stringify('x'.repeat(1 << 20)),
      JSON.stringify('\\"'.repeat(1 << 18)),
      JSON.stringify(Array.from({ length: 1 << 18 }, () => 'x')),
      JSON.stringify(Object.fromEntries(Array.from({ length: 1 << 16 }, (_, at) => [`name-${at}`, at]))),
      `[${' '.repeat(1 << 20)}""${' '.repeat(1 << 20)}]`,
    ]) {
      const begun = performance.now()
      expect(repeatedName(json)).toBeUndefined()
      expect(performance.now() - begun).toBeLessThan(1_000)
    }
  })
})
