import { localPath } from './local-path.js'

describe('where a browser may be sent back to', () => {
  it.each([
    '/',
    '/content/6f2/',
    '/content/6f2/report?from=2026-01-01&x=%2F#top',
    '/content/6f2/?x=1&y=%2F#here',
    '/connect/#/apps/6f2',
    '/a//b',
    '/a/%2f%2fb',
    '/a?',
  ])('is %s', (path) => {
    expect(localPath(path)).toBe(path)
  })

  it('is a path whose dots are resolved', () => {
    expect(localPath('/a/../b/./c')).toBe('/b/c')
  })

  it.each([
    '//evil.test',
    '/\\evil.test',
    '\\/evil.test',
    '\\\\evil.test',
    'https:evil.test',
    'https://evil.test/',
    'https://host@evil.test',
    '/%2f%2fevil.test',
    '/%5cevil.test',
    '/./%2fevil.test',
    '/\tevil',
    '/\t/evil.test',
    '/a\tb',
    '/a\nb',
    '/a\r\nSet-Cookie: b=c',
    '/\u0000',
    '\t//evil.test',
    '/a\\b',
    '/./\\evil.test',
    '/.//evil.test',
    '/..//evil.test/',
    'javascript:alert(1)',
    'content/6f2',
    '',
    '/é',
    `/${'a'.repeat(2000)}`,
    undefined,
    ['/a', '/b'],
  ])('A32 B19: is the root instead of %j', (wanted) => {
    expect(localPath(wanted)).toBe('/')
  })
})
