import { returnTo } from './return-to.js'

describe('where a login ends', () => {
  it.each(['/', '/content/6f2/report?from=2026-01-01&x=%2F#top', '/__logins__'])('on %s', (path) => {
    expect(returnTo(path)).toBe(path)
  })

  it.each([
    '//evil.test',
    undefined,
    '/__login__',
    '/__login__?return_to=/',
    '/__login__/callback',
    '/__logout__#a',
    '/x/../__logout__',
  ])('A32 on the root instead of %j', (wanted) => {
    expect(returnTo(wanted)).toBe('/')
  })
})
