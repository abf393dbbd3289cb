import type { Quirk, Rotation } from '#libs/contracts'
import { mayRenewEarly, rotationOf } from './rotation.js'

describe('what a provider makes of a used refresh token', () => {
  it.each<[Rotation, Quirk[]]>([
    ['kept', ['refresh_token_reuse_allowed']],
    ['grace', ['refresh_token_reuse_in_grace', 'refresh_token_reuse_allowed']],
    ['single_use', ['single_use_refresh_token', 'refresh_token_reuse_in_grace']],
    ['family', ['refresh_token_reuse_ends_grant', 'single_use_refresh_token']],
    ['single_use', []],
  ])('R02: is %s for %j', (rotation, quirks) => {
    expect(rotationOf(quirks)).toBe(rotation)
  })

  it('R02: leaves tokens alone whose access token would end too', () => {
    expect(mayRenewEarly(['refresh_ends_access_token'])).toBe(false)
    expect(mayRenewEarly([])).toBe(true)
  })
})
