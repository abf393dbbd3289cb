import { randomBytes } from 'node:crypto'
import type { KeySource } from './keyring.js'
import { open, rewrap, seal, SafeError, type Place } from './seal.js'

/** Keys as text, so that a suite can say which versions a source has, without knowing how it keeps them. */
export interface KeysInText {
  readonly active: number
  readonly keys: Readonly<Record<string, string>>
}

const place: Place = ['grant', '3f0c', 'refresh_token']
const text = 'a refresh token'
const newKey = () => randomBytes(32).toString('base64')

/** What the safe must withstand, whatever its keys come from. */
export function safeContract(name: string, sourceOf: (keys: KeysInText) => KeySource | Promise<KeySource>): void {
  describe(`the safe with keys of ${name}`, () => {
    let one: KeySource
    let both: KeySource
    let two: KeySource
    beforeAll(async () => {
      const [first, second] = [newKey(), newKey()]
      one = await sourceOf({ active: 1, keys: { 1: first } })
      both = await sourceOf({ active: 2, keys: { 1: first, 2: second } })
      two = await sourceOf({ active: 2, keys: { 2: second } })
    })

    const faultOf = (attempt: () => unknown): string => {
      try {
        attempt()
      } catch (error) {
        expect(error).toBeInstanceOf(SafeError)
        expect((error as SafeError).message).toBe('the secret cannot be opened')
        return (error as SafeError).code
      }
      throw new Error('it was opened')
    }
    const refused = (attempt: () => unknown, code = 'safe.tampered') => expect(faultOf(attempt)).toBe(code)

    it('opens what it has sealed', () => {
      expect(open(one, place, 1, seal(one, place, 1, text))).toBe(text)
      expect(open(one, place, 1, seal(one, place, 1, ''))).toBe('')
      expect(open(one, place, 1, seal(one, place, 1, 'sécret ✓'))).toBe('sécret ✓')
    })

    it('refuses a wrong key', async () => {
      const stranger = await sourceOf({ active: 1, keys: { 1: newKey() } })
      refused(() => open(stranger, place, 1, seal(one, place, 1, text)))
    })

    it('opens with a rotated key, and seals with the active one only', () => {
      expect(open(both, place, 1, seal(one, place, 1, text))).toBe(text)
      expect(seal(both, place, 1, text).readUInt32BE(1)).toBe(2)
    })

    it('refuses what was sealed with a key that was retired too early', () => {
      refused(() => open(two, place, 1, seal(one, place, 1, text)), 'safe.key_missing')
      refused(() => rewrap(two, place, 1, seal(one, place, 1, text)), 'safe.key_missing')
    })

    it('opens with the active key alone after rewrapping, and leaves the sealed text as it was', () => {
      const before = seal(one, place, 1, text)
      const after = rewrap(both, place, 1, before)
      expect(open(two, place, 1, after)).toBe(text)
      refused(() => open(one, place, 1, after), 'safe.key_missing')
      expect(after.subarray(65)).toEqual(before.subarray(65))
    })

    it('E17 refuses an envelope with one bit flipped, at every byte', () => {
      const envelope = seal(both, place, 1, text)
      for (let index = 0; index < envelope.length; index++) {
        for (const bit of [1, 128]) {
          const flipped = Buffer.from(envelope)
          flipped.writeUInt8(flipped.readUInt8(index) ^ bit, index)
          // The number of the key is in the clear; that no key has this one, only the table of the keys can say.
          const fault = faultOf(() => open(both, place, 1, flipped))
          expect(fault).toBe(index >= 1 && index <= 4 && fault === 'safe.key_missing' ? fault : 'safe.tampered')
        }
      }
    })

    it('refuses an envelope whose key version was changed to another that is known', () => {
      const envelope = seal(one, place, 1, text)
      envelope.writeUInt32BE(2, 1)
      refused(() => open({ active: 2, key: () => one.key(1) }, place, 1, envelope))
    })

    it('E17 refuses a row that was swapped with another place', () => {
      const envelope = seal(one, place, 1, text)
      refused(() => open(one, ['grant', '3f0d', 'refresh_token'], 1, envelope))
      refused(() => open(one, ['grant', '3f0c', 'access_token'], 1, envelope))
      refused(() => rewrap(both, ['grant', '3f0d', 'refresh_token'], 1, envelope))
    })

    it('refuses a place whose parts are cut elsewhere', () => {
      refused(() => open(one, ['ab', 'c'], 1, seal(one, ['a', 'bc'], 1, text)))
      refused(() => open(one, ['a', 'b'], 1, seal(one, ['a', 'b', '1'], 1, text)))
    })

    it('E17 refuses an old generation', () => {
      refused(() => open(one, place, 2, seal(one, place, 1, text)))
    })

    it('E17 refuses a short tag, a cut and a lengthened envelope', () => {
      const envelope = seal(one, place, 1, text)
      for (let length = 0; length < envelope.length; length++) {
        refused(() => open(one, place, 1, envelope.subarray(0, length)))
      }
      refused(() => open(one, place, 1, Buffer.concat([envelope, Buffer.alloc(1)])))
    })

    it('refuses a data key that belongs to another envelope of the same place', () => {
      const [a, b] = [seal(one, place, 1, text), seal(one, place, 1, text)]
      refused(() => open(one, place, 1, Buffer.concat([a.subarray(0, 65), b.subarray(65)])))
    })

    it('E18 never seals twice alike', () => {
      const seen = new Set<string>()
      for (let round = 0; round < 50; round++) {
        const envelope = seal(one, place, 1, text)
        for (const [start, end] of [
          [5, 17],
          [17, 65],
          [65, 77],
          [77, undefined],
        ] as const) {
          seen.add(envelope.subarray(start, end).toString('hex'))
        }
      }
      expect(seen.size).toBe(200)
    })

    it('holds no plaintext in the envelope', () => {
      expect(seal(one, place, 1, text).includes(text)).toBe(false)
    })
  })
}
