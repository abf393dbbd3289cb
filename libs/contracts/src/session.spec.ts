import { sidOf } from './session.js'

describe('what a session is known by', () => {
  it('is the hash of the bits of its cookie', () => {
    expect(sidOf('A'.repeat(43))).toBe('Zmh6rfhivXdsj8GLjp-OIAiXFIVu4jOzkCpZHQ1fKSU')
  })

  it.each(['', 'short', 'x'.repeat(44), `${'A'.repeat(42)}B`, `${'A'.repeat(42)}=`, '🗝'.repeat(43)])(
    'is nothing for %j, which is no cookie of ours',
    (text) => {
      expect(sidOf(text)).toBeUndefined()
    },
  )
})
