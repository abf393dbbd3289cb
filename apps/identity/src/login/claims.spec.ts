import { OAuth2Settings } from '#libs/service'
import type { Profile } from '../user/profile.js'
import { groupsOf, profileOf, uniqueIdOf, type Claims } from './claims.js'

const settings = (changes: Partial<OAuth2Settings> = {}): OAuth2Settings => Object.assign(new OAuth2Settings(), changes)
const profile = (claims: Claims, changes: Partial<OAuth2Settings> = {}, before?: Profile) =>
  profileOf(claims, settings(changes), 'u1', before)
const refusal = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    return (error as { code: string }).code
  }
  throw new Error('not refused')
}

const ada = { preferred_username: 'ada', email: 'ada.lovelace@company.com', given_name: 'Ada', family_name: 'Lovelace' }
const stored: Profile = {
  username: 'ada',
  firstName: 'Ada',
  lastName: 'Lovelace',
  email: 'ada@old.org',
  externalId: 'u1',
}

describe('the unique id', () => {
  it('CFG-21 is the subject, or the claim that the setting names', () => {
    expect(uniqueIdOf({ sub: 's1', oid: 'o1' }, settings())).toBe('s1')
    expect(uniqueIdOf({ sub: 's1', oid: 'o1' }, settings({ uniqueIdClaim: 'oid' }))).toBe('o1')
  })

  it.each([undefined, '', null, {}, 'x'.repeat(10_000), 'a\0b'])('ID-30 A05 is refused as %j', (sub) => {
    expect(refusal(() => uniqueIdOf({ sub }, settings()))).toBe('login.claim_missing')
  })
})

describe('the profile after a login', () => {
  it('holds what the provider says', () => {
    expect(profile(ada)).toEqual({
      profile: {
        username: 'ada',
        firstName: 'Ada',
        lastName: 'Lovelace',
        email: 'ada.lovelace@company.com',
        externalId: 'u1',
      },
      derived: false,
    })
  })

  it('LOGIN-14 reads any claim', () => {
    const claims = { ...ada, 'https://example.com/mail': 'ada@else.org' }
    expect(profile(claims, { emailClaim: 'https://example.com/mail' }).profile.email).toBe('ada@else.org')
  })

  it('ID-24 keeps what the provider leaves out', () => {
    expect(profile({ ...ada, given_name: '  ', family_name: undefined }, {}, stored).profile).toMatchObject({
      firstName: 'Ada',
      lastName: 'Lovelace',
    })
  })

  it('ID-23 keeps a field whose claim is set blank', () => {
    expect(profile({ ...ada, family_name: 'King' }, { lastNameClaim: '' }, stored).profile.lastName).toBe('Lovelace')
  })

  it.each([undefined, '', ' '])('ID-13 derives a username from the e-mail address where the claim is %j', (name) => {
    expect(profile({ ...ada, preferred_username: name })).toMatchObject({
      profile: { username: 'ada.lovelace' },
      derived: true,
    })
  })

  it('ID-14 keeps a derived username at later logins', () => {
    expect(profile({ email: 'other@company.com' }, {}, stored)).toMatchObject({
      profile: { username: 'ada' },
      derived: false,
    })
  })

  it('LOGIN-11 is refused without username and address', () => {
    expect(refusal(() => profile({}))).toBe('login.username_missing')
  })

  it('ID-08 is refused for a name that is ours', () => {
    expect(refusal(() => profile({ preferred_username: 'Login' }))).toBe('login.username_prohibited')
  })

  it('D25 drops characters that change how the rest reads', () => {
    expect(profile({ ...ada, given_name: '\u202eevil\u0007 ' }).profile.firstName).toBe('evil')
  })
})

describe('the groups that a provider names', () => {
  it.each([
    [
      ['a', 'b', 'a', ' ', 7],
      ['a', 'b'],
    ],
    ['a|b', ['a|b']],
    [[], []],
    ['', undefined],
    [null, undefined],
    [undefined, undefined],
    [{ a: 1 }, undefined],
  ])('GRP-01 GRP-06 GRP-07 A35: %j is %j', (groups, expected) => {
    expect(groupsOf({ groups }, settings())).toEqual(expected)
  })

  it('GRP-24 are not read when the claim is set blank', () => {
    expect(groupsOf({ groups: ['a'], '': ['b'] }, settings({ groupsClaim: '' }))).toBeUndefined()
  })
})
