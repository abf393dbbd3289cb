import { guidOfKey } from '#libs/contracts'
import { hashOfKey, hintOf, newKeyText } from './key-text.js'

const guid = '6f2d9b1c-0a3e-5c4d-8e7f-001122334455'

describe('the text of an API key', () => {
  it('says which key it is, and is new each time', () => {
    const text = newKeyText(guid)
    expect(text.reveal()).toMatch(/^kb_6f2d9b1c0a3e5c4d8e7f001122334455_[\w-]{43}$/)
    expect(guidOfKey(text.reveal())).toBe(guid)
    expect(newKeyText(guid).reveal()).not.toBe(text.reveal())
  })

  it('is kept as a hash and four characters', () => {
    const text = newKeyText(guid)
    expect(hashOfKey(text.reveal())).toHaveLength(32)
    expect(text.reveal().endsWith(hintOf(text))).toBe(true)
    expect(hintOf(text)).toHaveLength(4)
  })
})
