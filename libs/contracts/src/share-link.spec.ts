import { shareCookie, shareLinkHash, shareLinkOf } from './share-link.js'

const TOKEN = 'A'.repeat(43)
const HASH = 'Zmh6rfhivXdsj8GLjp-OIAiXFIVu4jOzkCpZHQ1fKSU'
const now = new Date('2026-11-22T12:00:00Z')
const link = (expires_at: string | null) => ({ guid: 'link', token_hash: HASH, expires_at })

describe('the token of a share link', () => {
  it('is known by the hash of its bits', () => {
    expect(shareLinkHash(TOKEN)).toBe(HASH)
    expect(shareLinkHash('short')).toBeUndefined()
  })

  it.each([
    ['for ever', [link(null)], true],
    ['until its end', [link('2026-11-22T12:00:01Z')], true],
    ['not at its end', [link('2026-11-22T12:00:00Z')], false],
    ['not once it is revoked', [], false],
    ['not before there were links', undefined, false],
  ])('opens %s', (_, share_links, opens) => {
    expect(shareLinkOf({ share_links }, TOKEN, now) !== undefined).toBe(opens)
    expect(shareLinkOf({ share_links }, `${'A'.repeat(42)}E`, now)).toBeUndefined()
    expect(shareLinkOf({ share_links }, '', now)).toBeUndefined()
  })

  it.each([
    ['https://kb.example/', { name: '__Secure-keybearer_share', path: '/content/c/', secure: true }],
    ['https://kb.example/rsc/', { name: '__Secure-keybearer_share', path: '/rsc/content/c/', secure: true }],
    ['http://localhost:3939', { name: 'keybearer_share', path: '/content/c/', secure: false }],
  ])('is kept at %s for one content item', (address, expected) => {
    expect(shareCookie(new URL(address), 'c')).toEqual(expected)
  })
})
