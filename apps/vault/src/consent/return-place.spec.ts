import { consentPath, pathOfReferer, returnPlace, wayBack } from './return-place.js'

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

  it('FLOW-03 B19 is said by the consent_url of a refusal, and nearer by the page of that content that links to it', () => {
    const url = new URL(consentPath('11111111-0000-4000-8000-000000000000', GUID), HOME)
    expect(url.pathname).toBe('/__oauth__/integrations/11111111-0000-4000-8000-000000000000/login')
    const named = url.searchParams.get('return_to')
    expect(returnPlace(named)).toEqual({ path: `/content/${GUID}/`, contentGuid: GUID })
    const other = GUID.replace('0a', '0b')
    for (const page of [undefined, '/', `/content/${other}/x`, `/content/${GUID}x/`, '//evil.example/'])
      expect(wayBack(named, page)).toBe(named)
    expect(wayBack(named, `/content/${GUID}/x?y=1`)).toBe(`/content/${GUID}/x?y=1`)
    expect(wayBack(`/content/${GUID}/z`, `/content/${GUID}/x`)).toBe(`/content/${GUID}/z`)
    expect(wayBack(undefined, `/content/${GUID}/x`)).toBe(`/content/${GUID}/x`)
  })

  it('may be said by the page that links to the consent, if it is ours', () => {
    expect(pathOfReferer(`${HOME}content/${GUID}/x?y`, HOME)).toBe(`/content/${GUID}/x?y`)
    expect(pathOfReferer(`https://kb.example/content/${GUID}/`, HOME)).toBeUndefined()
    expect(pathOfReferer('https://kb.example.evil/kb/', HOME)).toBeUndefined()
    expect(pathOfReferer(undefined, HOME)).toBeUndefined()
  })
})
