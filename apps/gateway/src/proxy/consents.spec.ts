import type { ContentState } from '#libs/contracts'
import { Consents } from './consents.js'

const ACME = '11111111-1111-4111-8111-111111111111'
const content: ContentState = {
  guid: '22222222-2222-4222-8222-222222222222',
  owner_guid: '33333333-3333-4333-8333-333333333333',
  name: 'sales',
  access_type: 'logged_in',
  kind: 'interactive',
  upstream_url: null,
  locked: false,
  permissions: [],
  associations: [{ oauth_integration_guid: ACME, auth_type: 'Viewer' }],
}

describe('what a gateway remembers of consents', () => {
  let now = 0
  let missing: string[] = []
  const asked: number[] = []
  const consents = new Consents(
    (_, version) => {
      asked.push(version)
      return Promise.resolve(missing)
    },
    () => now,
  )
  const first = (version = 1) => consents.firstMissing('vera', content, version, () => Promise.resolve('assertion'))

  it('R07 is forgotten within two seconds, so that an authorization that has ended opens nothing more', async () => {
    expect(await first()).toBeUndefined()
    missing = [ACME]
    now = 1_999
    expect(await first()).toBeUndefined()
    now = 2_000
    expect(await first()).toBe(ACME)
    expect(asked).toEqual([1, 1])
  })

  it('is only that nothing was missing: what has been given is seen at once', async () => {
    missing = []
    expect(await first()).toBeUndefined()
  })

  it('is of one version of the content: a new association is asked for at once', async () => {
    missing = [ACME]
    expect(await first()).toBeUndefined()
    expect(await first(2)).toBe(ACME)
    expect(asked.at(-1)).toBe(2)
  })
})
