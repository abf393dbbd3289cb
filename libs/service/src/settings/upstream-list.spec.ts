import { UpstreamList, type UpstreamVerdict } from './upstream-list.js'

describe('the list of upstreams, before names are resolved', () => {
  it('leaves everything to administrators while it is empty', () => {
    expect(new UpstreamList([]).verdict('http://apps.internal/')).toBe('administrators_only')
  })

  it.each<[string, string, UpstreamVerdict]>([
    ['apps.internal:8501', 'http://apps.internal:8501/x', 'listed'],
    ['apps.internal:8501', 'http://apps.internal/', 'outside'],
    ['apps.internal', 'https://apps.internal/', 'listed'],
    ['*.apps.internal', 'http://a.b.apps.internal/', 'listed'],
    ['*.apps.internal', 'http://apps.internal/', 'outside'],
    ['*.apps.internal', 'http://evilapps.internal/', 'outside'],
    ['10.0.0.0/8:80', 'http://10.1.2.3/', 'listed'],
    ['10.0.0.0/8:80', 'http://11.1.2.3/', 'outside'],
    ['10.0.0.0/8:80', 'http://apps.internal/', 'listed'],
    ['10.0.0.0/8:80', 'http://apps.internal:81/', 'outside'],
    ['[fd00::/8]', 'http://[fd00::1]:9000/', 'listed'],
    ['[fd00::/8]', 'http://[fe80::1]:9000/', 'outside'],
  ])('%s says of %s: %s', (line, url, verdict) => {
    expect(new UpstreamList([line]).verdict(url)).toBe(verdict)
  })
})
