import { localPath } from './local-path.js'

const ORIGIN = 'https://kb.example'

describe('where a browser may be sent back to', () => {
  it.each([
    ['/content/a1/', '/content/a1/'],
    ['/content/a1/?x=1&y=%2F#here', '/content/a1/?x=1&y=%2F#here'],
    ['/', '/'],
  ])('keeps %s', (path, kept) => {
    expect(localPath(path, ORIGIN)).toBe(kept)
  })

  it.each([
    undefined,
    '',
    'content/a1',
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example/',
    '/a\\b',
    '\\\\evil.example',
    '/a\r\nSet-Cookie: x=1',
    '/\t/evil.example',
    '/\u0000',
    'javascript:alert(1)',
    `/${'a'.repeat(2048)}`,
  ])('B19: sends %j to the front door', (path) => {
    expect(localPath(path, ORIGIN)).toBe('/')
  })

  it('does not let a path become another origin by its dots', () => {
    expect(localPath('/..//evil.example/', ORIGIN)).toBe('/')
  })
})
