import { consentPath, loginPath, returnPath } from './return-path.js'

describe('a path to come back to', () => {
  it.each(['/', '/content/0b1c/', '/content/0b1c/a?b=c&d=%2F#e', '/a//b', '/%2f%2fevil.example.org'])(
    'may be %s',
    (path) => {
      expect(returnPath(path)).toBe(path)
    },
  )

  it.each([
    'https://evil.example.org/',
    '//evil.example.org/',
    '/\\evil.example.org/',
    '\\/evil.example.org',
    'content/0b1c/',
    '',
    '/a\r\nSet-Cookie: b=c',
    '/a\tb',
    '/\u00e4',
    '/a\\b',
    `/${'x'.repeat(2000)}`,
  ])('is / instead of %j', (path) => {
    expect(returnPath(path)).toBe('/')
  })

  it('survives in the query of the way to log in and to consent', () => {
    const path = '/content/0b1c/?a=b&return_to=%2Fevil'
    expect(new URL(loginPath(path), 'http://x').searchParams.get('return_to')).toBe(path)
    expect(new URL(consentPath('0b1c', path), 'http://x').searchParams.get('return_to')).toBe(path)
  })
})
