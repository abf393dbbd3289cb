import { schemaVersion, upcast, type Upcasters } from './decider.js'

const upcasters: Upcasters = {
  Renamed: {
    1: (v1: { name: string }) => ({ title: v1.name }),
    2: (v2: { title: string }) => ({ ...v2, language: 'en' }),
  },
}

describe('upcasting', () => {
  it('chains from the stored version to the present one', () => {
    expect(upcast(upcasters, 'Renamed', 1, { name: 'a' })).toEqual({ title: 'a', language: 'en' })
    expect(upcast(upcasters, 'Renamed', 2, { title: 'a' })).toEqual({ title: 'a', language: 'en' })
    expect(upcast(upcasters, 'Renamed', 3, { title: 'a', language: 'fr' })).toEqual({ title: 'a', language: 'fr' })
  })

  it('writes one version above the last upcaster', () => {
    expect(schemaVersion(upcasters, 'Renamed')).toBe(3)
    expect(schemaVersion(upcasters, 'Opened')).toBe(1)
  })

  it('refuses a version from the future instead of guessing', () => {
    expect(() => upcast(upcasters, 'Opened', 2, {})).toThrow('newer than this program knows')
  })
})
