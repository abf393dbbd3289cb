import { pathOfReferer, returnPlace } from './return-place.js'

const GUID = '0b1c2d3e-0000-4000-8000-00000000000a'
const HOME = 'https://kb.example/kb/'

describe('the way back after consent', () => {
  it('FLOW-03 is the page of the content that was left', () => {
    for (const path of [`/content/${GUID}/`, `/content/${GUID}/a/b?c=%2Fd#e`, `/content/${GUID}`])
      expect(returnPlace(path)).toEqual({ path, contentGuid: GUID })
    expect(returnPlace(`/content/${GUID.toUpperCase()}/`).contentGuid).toBe(GUID)
  })

  it.each([
    '//evil.example/',
    `https://evil.example/content/${GUID}/`,
    `/content/${GUID}/\r\nset-cookie: a=b`,
    `/\\evil.example/content/${GUID}/`,
    `/content/${GUID}x/`,
    `/content/${GUID}/../../__logout__`,
    `/content/${GUID}/%2e%2e/%2e%2e/__logout__`,
    '/__logout__',
    '/__api__/v1/users',
    '/content/',
    ['/content/a'],
    undefined,
  ])('B19 is the start page instead of %j', (wanted) => {
    expect(returnPlace(wanted)).toEqual({ path: '/', contentGuid: undefined })
  })

  it('B19 names the content that is really led to', () => {
    const other = GUID.replace('0a', '0b')
    expect(returnPlace(`/content/${GUID}/../${other}/`)).toEqual({ path: `/content/${other}/`, contentGuid: other })
  })

  it('may be said by the page that links to the consent, if it is ours', () => {
    expect(pathOfReferer(`${HOME}content/${GUID}/x?y`, HOME)).toBe(`/content/${GUID}/x?y`)
    expect(pathOfReferer(`https://kb.example/content/${GUID}/`, HOME)).toBeUndefined()
    expect(pathOfReferer('https://kb.example.evil/kb/', HOME)).toBeUndefined()
    expect(pathOfReferer(undefined, HOME)).toBeUndefined()
  })
})
