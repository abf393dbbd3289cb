import { consentPath, loginPath } from './return-path.js'

const backTo = (path: string): string | null => new URL(path, 'http://x').searchParams.get('return_to')

describe('a path to come back to', () => {
  it('survives in the query of the way to log in and to consent', () => {
    const path = '/content/0b1c/?a=b&return_to=%2Fevil'
    expect(backTo(loginPath(path))).toBe(path)
    expect(backTo(consentPath('0b1c', path))).toBe(path)
  })

  it('is / instead of another server', () => {
    expect(backTo(loginPath('//evil.example.org/'))).toBe('/')
    expect(backTo(consentPath('0b1c', '//evil.example.org/'))).toBe('/')
  })
})
