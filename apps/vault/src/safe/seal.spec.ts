import { randomBytes } from 'node:crypto'
import { Keyring } from './keyring.js'
import { placeName, parsePlace, seal, type Place } from './seal.js'
import { sealRepeatedly } from './seals.js'

const keys = Keyring.parse(JSON.stringify({ active: 258, keys: { 258: randomBytes(32).toString('base64') } }))

describe('the envelope', () => {
  it('is format, key version, wrapped data key, nonce, ciphertext, tag', () => {
    const envelope = seal(keys, ['grant', 'g', 'access_token'], 3, 'twelve bytes')
    expect(envelope).toHaveLength(1 + 4 + (12 + 32 + 16) + 12 + 12 + 16)
    expect(envelope.subarray(0, 5)).toEqual(Buffer.from([1, 0, 0, 1, 2]))
  })
})

it('E18 seals the same text 20,000 times, each with a data key and nonces of its own', () => {
  expect(sealRepeatedly(keys, 20_000)).toEqual({ seals: 20_000, nonces: 20_000, keystreams: 20_000 })
})

describe('the name of a place', () => {
  it('can be read back', () => {
    const place: Place = ['client_secret', '9d0f3a5e-1111-4222-8333-444455556666', 'x.y']
    expect(parsePlace(placeName(place))).toEqual(place)
  })

  it.each([[['a/b']], [['a', '']], [['a', ' ']], [['a', 'b\n']]])('refuses %j', (place) => {
    expect(() => placeName(place as unknown as Place)).toThrow(TypeError)
  })
})
