import { guidOfKey } from './api-key-text.js'

describe('the text of an API key', () => {
  it('says which key it is', () => {
    expect(guidOfKey(`kb_6f2d9b1c0a3e5c4d8e7f001122334455_${'A'.repeat(43)}`)).toBe(
      '6f2d9b1c-0a3e-5c4d-8e7f-001122334455',
    )
  })

  it.each(['', 'kb_', 'Key x', `kb_${'0'.repeat(32)}_short`, `KB_${'0'.repeat(32)}_${'A'.repeat(43)}`])(
    'is not %j',
    (text) => {
      expect(guidOfKey(text)).toBeUndefined()
    },
  )
})
