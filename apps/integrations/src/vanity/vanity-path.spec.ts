import { ancestorsOf, vanityPathOf } from './vanity-path.js'

describe('a vanity path', () => {
  it.each([
    ['sales', '/sales/'],
    ['/sales', '/sales/'],
    ['sales/', '/sales/'],
    ['/Sales/2026.q1/', '/Sales/2026.q1/'],
    ['a', '/a/'],
    ['x-1_2', '/x-1_2/'],
  ])('%s is %s', (given, path) => {
    expect(vanityPathOf(given)).toBe(path)
  })

  it.each([
    '',
    '/',
    '//',
    'a//b',
    '/__api__/',
    '__login__',
    '_hidden',
    '/content/',
    'CONTENT/x',
    'connect',
    'metrics',
    'favicon.ico',
    '.well-known/x',
    '..',
    'a/../b',
    'a/.',
    'a%2fb',
    'a b',
    'a;b',
    'a?b',
    'a#b',
    'a\\b',
    'größe',
    'x'.repeat(256),
    '1/2/3/4/5/6/7/8/9',
  ])('cannot be %j', (given) => {
    expect(() => vanityPathOf(given)).toThrow(expect.objectContaining({ code: 'vanity.path_not_permitted' }))
  })

  it('knows the paths around it', () => {
    expect(ancestorsOf('/a/b/c/')).toEqual(['/a/', '/a/b/'])
    expect(ancestorsOf('/a/')).toEqual([])
  })
})
