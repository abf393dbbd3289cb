import { returnTo } from './return-to.js'

describe('where a login ends', () => {
  it.each(['/', '/content/6f2/', '/content/6f2/report?from=2026-01-01&x=%2F#top', '/connect/#/apps/6f2'])(
    'on %s',
    (path) => {
      expect(returnTo(path)).toBe(path)
    },
  )

  it.each([
    '//evil.test',
    '/\\evil.test',
    '\\\\evil.test',
    'https:evil.test',
    'https://evil.test/',
    'https://host@evil.test',
    '/%2f%2fevil.test',
    '/%5cevil.test',
    '/\tevil',
    '/a\nb',
    '\t//evil.test',
    '/./\\evil.test',
    '/.//evil.test',
    'javascript:alert(1)',
    'content/6f2',
    '',
    '/é',
    `/${'a'.repeat(2000)}`,
    '/__login__?return_to=/',
    '/x/../__logout__',
    undefined,
    ['/a', '/b'],
  ])('A32 on the root instead of %j', (wanted) => {
    expect(returnTo(wanted)).toBe('/')
  })
})
