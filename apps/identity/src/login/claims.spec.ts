import fc from 'fast-check'
import { DomainError } from '#libs/contracts'
import { OAuth2Settings } from '#libs/service'
import type { Profile } from '../user/profile.js'
import { mustBeEditableUsername, PROHIBITED_USERNAMES } from '../user/username-rules.js'
import { mustHaveAccess } from './access.js'
import { claimOf, groupsOf, profileOf, roleValuesOf, uniqueIdOf, type Claims } from './claims.js'

const settings = (changes: Partial<OAuth2Settings> = {}): OAuth2Settings =>
  Object.assign(new OAuth2Settings(), { openIDConnectIssuer: 'https://op.test' }, changes)
const google = { openIDConnectIssuer: undefined }
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

describe('a claim', () => {
  const claims = {
    'https://example.com/mail': 'url',
    'a.b': 'literal',
    a: { b: 'nested', c: { d: 'deep' } },
    'https://example.com/app': { role: 'publisher' },
    list: [{ x: 1 }],
  }

  it.each([
    ['https://example.com/mail', 'url'],
    ['a.b', 'literal'],
    ['a.c.d', 'deep'],
    ['https://example.com/app.role', 'publisher'],
    ['a.x', undefined],
    ['list.0', undefined],
    ['list.length', undefined],
    ['a.b.length', undefined],
    ['toString', undefined],
    ['__proto__', undefined],
    ['a.constructor.name', undefined],
    ['.', undefined],
    ['..', undefined],
  ])('LOGIN-14 %s is %j', (name, value) => {
    expect(claimOf(claims, name)).toBe(value)
  })
})

it('what is cut is cut between characters, also where some need two units', () => {
  for (const begin of ['', 'a', '\u{1f600}', 'a\u{1f600}']) {
    const { firstName } = profile({ ...ada, given_name: begin + '\u{1f600}b'.repeat(200) }).profile
    expect([firstName.isWellFormed(), [...firstName].length]).toEqual([true, 255])
    expect(profile({ ...ada, given_name: firstName }).profile.firstName).toBe(firstName)
  }
})

describe('the unique id', () => {
  it.each([
    [undefined, ada.email],
    [true, ada.email],
    ['true', ada.email],
    [false, 'login.email_unverified'],
    ['false', 'login.email_unverified'],
    [null, 'login.email_unverified'],
  ])('A20 may be an e-mail address unless the provider calls it unverified: %j', (email_verified, expected) => {
    const given = () => uniqueIdOf({ ...ada, email_verified }, settings({ uniqueIdClaim: 'email' }))
    expect(expected.startsWith('login.') ? refusal(given) : given()).toBe(expected)
    expect(uniqueIdOf({ ...ada, sub: 's', email_verified }, settings())).toBe('s')
  })

  it('CFG-21 ID-29 is the subject, or the claim that the setting names', () => {
    expect(uniqueIdOf({ sub: 's1', oid: 'o1' }, settings())).toBe('s1')
    expect(uniqueIdOf({ sub: 's1', oid: 'o1' }, settings({ uniqueIdClaim: 'oid' }))).toBe('o1')
  })

  it('PROV-10 is exactly what the claim holds', () => {
    for (const sub of ['Ada', 'ada', ' ada ']) expect(uniqueIdOf({ sub }, settings())).toBe(sub)
    expect(uniqueIdOf({ sub: 42 }, settings())).toBe('42')
  })

  it('ID-30 is missed by the name of its claim', () => {
    expect(() => uniqueIdOf({ sub: 's1' }, settings({ uniqueIdClaim: 'oid' }))).toThrow(
      /claim oid.*OAuth2.UniqueIdClaim/,
    )
  })

  it.each([undefined, '', null, {}, 'x'.repeat(10_000), 'a\0b', '\ud800'])('ID-30 A05 is refused as %j', (sub) => {
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
      origin: 'claim',
    })
  })

  it('CFG-22 CFG-23 CFG-24 CFG-25 ID-10 reads the claims that the settings name', () => {
    const named = { usernameClaim: 'n', emailClaim: 'e', firstNameClaim: 'f', lastNameClaim: 'l' }
    expect(profile({ ...ada, n: 'name', e: 'mail@x.org', f: 'first', l: 'last' }, named).profile).toEqual({
      username: 'name',
      firstName: 'first',
      lastName: 'last',
      email: 'mail@x.org',
      externalId: 'u1',
    })
  })

  it('LOGIN-14 reads any claim', () => {
    const claims = { ...ada, 'https://example.com/mail': 'ada@else.org' }
    expect(profile(claims, { emailClaim: 'https://example.com/mail' }).profile.email).toBe('ada@else.org')
  })

  it('ID-24 ID-25 keeps what the provider leaves out', () => {
    expect(profile({ ...ada, given_name: '  ', family_name: undefined }, {}, stored).profile).toMatchObject({
      firstName: 'Ada',
      lastName: 'Lovelace',
    })
  })

  it('ID-22 ID-23 keeps a field whose claim is set blank', () => {
    expect(profile(ada, { emailClaim: '', firstNameClaim: '' }).profile).toMatchObject({ email: '', firstName: '' })
    expect(profile({ ...ada, family_name: 'King' }, { lastNameClaim: '' }, stored).profile.lastName).toBe('Lovelace')
  })

  it.each([undefined, '', ' '])(
    'ID-13 ID-15 derives a username from the e-mail address where the claim is %j',
    (name) => {
      expect(profile({ ...ada, preferred_username: name })).toMatchObject({
        profile: { username: 'ada.lovelace' },
        origin: 'email',
      })
    },
  )

  it('ID-14 keeps a derived username at later logins', () => {
    expect(profile({ email: 'other@company.com' }, {}, stored)).toMatchObject({
      profile: { username: 'ada' },
      origin: 'stored',
    })
  })

  it('ID-12 LOGIN-13 follows a username that the provider changes', () => {
    expect(profile({ ...ada, preferred_username: 'ada.king' }, {}, stored)).toMatchObject({
      profile: { username: 'ada.king' },
      origin: 'claim',
    })
  })

  it.each(['a-b', '42', 'x', 'ada@company.com'])('ID-09 takes %s as a username from the claim', (name) => {
    expect(profile({ preferred_username: name }).profile.username).toBe(name)
  })

  it('ID-01 of Google has a username from the e-mail address, never from a claim', () => {
    expect(profile({ ...ada, email: 'ada.lovelace@company.com' }, google)).toMatchObject({
      profile: { username: 'ada.lovelace' },
      origin: 'email',
    })
  })

  it('ID-02 ID-14 of Google keeps the username that was chosen here', () => {
    expect(profile({ ...ada, email: 'other@company.com' }, google, { ...stored, username: 'countess' })).toMatchObject({
      profile: { username: 'countess', email: 'other@company.com' },
      origin: 'stored',
    })
  })

  it('ID-18 with a blank UsernameClaim begins with a derived username and keeps what becomes of it', () => {
    expect(profile(ada, { usernameClaim: '' }).profile.username).toBe('ada.lovelace')
    expect(profile(ada, { usernameClaim: '' }, { ...stored, username: 'countess' }).profile.username).toBe('countess')
  })

  it('ID-05 ID-06 ID-07 makes a derived username legal where usernames are edited', () => {
    expect(profile({ email: '1-a+b@company.com' }, google).profile.username).toBe('a_b')
    expect(profile({ email: 'a-b@company.com' }, { usernameClaim: '' }).profile.username).toBe('a_b')
  })

  it('ID-13 leaves a derived username as it is where usernames are the provider’s', () => {
    expect(profile({ email: 'a-b@company.com' }).profile.username).toBe('a-b')
  })

  it.each([undefined, '', ' '])('ID-16 LOGIN-11 is refused with RequireUsernameClaim where the claim is %j', (name) => {
    const required = { requireUsernameClaim: true }
    expect(refusal(() => profile({ ...ada, preferred_username: name }, required))).toBe('login.username_missing')
    expect(refusal(() => profile({ ...ada, preferred_username: name }, required, stored))).toBe(
      'login.username_missing',
    )
    expect(profile(ada, required).profile.username).toBe('ada')
  })

  it.each(PROHIBITED_USERNAMES)('ID-08 is refused for %s, from a claim and from an address', (name) => {
    for (const stated of [name, name.toUpperCase()]) {
      expect(refusal(() => profile({ preferred_username: stated }))).toBe('login.username_prohibited')
      expect(refusal(() => profile({ email: `${stated}@company.com` }))).toBe('login.username_prohibited')
      expect(refusal(() => profile({ email: `${stated}@company.com` }, google))).toBe('login.username_prohibited')
    }
  })

  it.each(['a\u200bda', 'ada\ufeff', 'ada\u202e', 'a\u00adda', 'ada\u2060', 'ada\u3164', 'ada\0'])(
    'H05 is refused with a username that looks like another one: %j',
    (name) => {
      expect(refusal(() => profile({ ...ada, preferred_username: name }, {}, stored))).toBe('login.username_prohibited')
      expect(refusal(() => profile({ email: `${name}@company.com` }))).toBe('login.username_prohibited')
    },
  )

  it('H05 has a username in one form', () => {
    expect(profile({ preferred_username: 'jose\u0301' }).profile.username).toBe('jos\u00e9')
    expect(profile({ email: 'jose\u0301@company.com' }).profile.username).toBe('jos\u00e9')
  })

  it('LOGIN-11 is refused without username and address', () => {
    expect(refusal(() => profile({}))).toBe('login.username_missing')
  })

  it('D25 drops characters that change how the rest reads', () => {
    expect(profile({ ...ada, given_name: '\u202eevil\u0007 ' }).profile.firstName).toBe('evil')
  })
})

describe('the groups that a provider names', () => {
  const on = { userGroups: true }
  const told = (...groups: string[]) => ({ told: true, groups })
  const not = (why: string) => ({ told: false, why })

  it.each<[unknown, object]>([
    [['a', 'b', 'a', ' ', 7], told('a', 'b')],
    ['a|b', told('a|b')],
    [[], told()],
    ['', not('blank')],
    [' ', not('blank')],
    [null, not('blank')],
    [[''], not('blank')],
    [[{ id: 1 }], not('blank')],
    [undefined, not('absent')],
    [{ a: 1 }, not('blank')],
    [['x'.repeat(300), 'a\0', 'b'], told('b')],
    [['admins ', ' admins', 'admins'], told('admins ', ' admins', 'admins')],
    [Array.from({ length: 10_000 }, (_, index) => `g${index}`), not('too many')],
  ])('CFG-26 GRP-01 GRP-06 GRP-07 GRP-32 A35 A36: %j is %j', (groups, expected) => {
    expect(groupsOf({ groups }, settings(), on)).toEqual(expected)
  })

  it('GRP-08 are taken as they are written', () => {
    expect(groupsOf({ groups: ['developers', 'Developers'] }, settings(), on)).toEqual(told('developers', 'Developers'))
  })

  it.each<[string, unknown, object]>([
    ['|', 'group_1|group_2', told('group_1', 'group_2')],
    ['|', ' group_1 || group_1|', told('group_1')],
    ['|', '|', not('blank')],
    ['.', 'a.b', told('a', 'b')],
    ['|', ['a|b'], told('a|b')],
  ])('GRP-31 CFG-28 A36 with the separator %s: %j is %j', (groupsSeparator, groups, expected) => {
    expect(groupsOf({ groups }, settings({ groupsSeparator }), on)).toEqual(expected)
  })

  it('GRP-24 GRP-25 GRP-27 GRP-28 are not read when the claim is blank, from Google, or without groups', () => {
    const claims = { groups: ['a'], '': ['b'] }
    expect(groupsOf(claims, settings({ groupsClaim: '' }), on)).toEqual(not('off'))
    expect(groupsOf(claims, settings(google), on)).toEqual(not('off'))
    expect(groupsOf(claims, settings(), { userGroups: false })).toEqual(not('off'))
  })

  it.each<[string, Claims, object]>([
    ['_claim_names', { _claim_names: { groups: 'src1' } }, not('overage')],
    ['hasgroups', { hasgroups: true }, not('overage')],
    ['hasgroups as text', { hasgroups: 'true' }, not('overage')],
    ['hasgroups: false', { hasgroups: false }, not('absent')],
    ['_claim_names of another claim', { _claim_names: { roles: 'src1' } }, not('absent')],
    ['_claim_names that is a list', { _claim_names: ['groups'] }, not('absent')],
    ['groups and a signal', { groups: ['a'], hasgroups: true }, told('a')],
  ])('GRP-43 are too many for the token: %s', (_name, claims, expected) => {
    expect(groupsOf(claims, settings(), on)).toEqual(expected)
  })

  it('GRP-41 GRP-42 may be names or unique IDs', () => {
    const groups = ['Sales', '5f9d0c3a-3a39-4a0c-9d2c-0b3ad1e6f2b1']
    expect(groupsOf({ groups }, settings({ groupsByUniqueId: true }), on)).toEqual(told(...groups))
  })
})

describe('the values of the role claim', () => {
  it.each<[unknown, string[]]>([
    ['publisher', ['publisher']],
    [
      ['HR', 'IT', 7, null],
      ['HR', 'IT'],
    ],
    [{ role: 'administrator' }, []],
    [undefined, []],
    ['', []],
    ['administrator ', ['administrator ']],
  ])('ROLE-03 ROLE-09 A26: %j is %j', (role, values) => {
    expect(roleValuesOf({ role }, settings({ roleClaim: 'role' }))).toEqual(values)
  })

  it('CFG-27 are none without a setting', () => {
    expect(roleValuesOf({ '': 'administrator', role: 'administrator' }, settings())).toEqual([])
  })

  it('LOGIN-14 may stand inside an object', () => {
    const claims = { realm_access: { roles: ['publisher'] } }
    expect(roleValuesOf(claims, settings({ roleClaim: 'realm_access.roles' }))).toEqual(['publisher'])
  })
})

describe('whatever a provider says', () => {
  const names = ['sub', 'email', 'preferred_username', 'given_name', 'groups', 'role', 'hd', '_claim_names', 'a.b']
  const text = fc.string({ unit: 'binary' })
  const value = fc.oneof(
    { depthSize: 'small' },
    text,
    text.map((part) => `${part}@company.com`),
    fc.constantFrom('login', 'login@company.com', '', ' ', null, true, 'true', 42),
    fc.array(fc.oneof(text, fc.jsonValue())),
    fc.jsonValue(),
  )
  const claims: fc.Arbitrary<Claims> = fc.oneof(
    fc.dictionary(fc.oneof(fc.constantFrom(...names), text), value),
    fc.record({ sub: text, email: value, preferred_username: value, groups: value, role: value }),
  )
  const anySettings = fc.record({
    openIDConnectIssuer: fc.constantFrom('https://op.test', undefined),
    usernameClaim: fc.constantFrom('preferred_username', '', 'a.b'),
    emailClaim: fc.constantFrom('email', ''),
    requireUsernameClaim: fc.boolean(),
    roleClaim: fc.constantFrom('role', 'groups', '_claim_names.x'),
    groupsSeparator: fc.constantFrom(undefined, '|', 'a'),
    allowedDomain: fc.constantFrom([], ['company.com']),
    uniqueIdClaim: fc.constantFrom('sub', 'email', 'a.b'),
  })

  it('D25 is refused by a refusal, or gives texts that can be stored and a username that is permitted', () => {
    fc.assert(
      fc.property(claims, anySettings, fc.constantFrom(undefined, stored), (claims, changes, before) => {
        const from = settings(changes)
        try {
          const uniqueId = uniqueIdOf(claims, from)
          mustHaveAccess(claims, from)
          const { profile, origin } = profileOf(claims, from, uniqueId, before)
          for (const text of Object.values(profile)) {
            expect(text.isWellFormed()).toBe(true)
            expect(text).not.toMatch(/\p{Cc}/u)
            expect([...text].length).toBeLessThanOrEqual(255)
          }
          expect(PROHIBITED_USERNAMES).not.toContain(profile.username.toLowerCase())
          if (origin === 'email' && (from.isGoogle || from.usernameClaim === ''))
            mustBeEditableUsername(profile.username)
          const groups = groupsOf(claims, from, { userGroups: true })
          const texts = [...(groups.told ? groups.groups : []), ...roleValuesOf(claims, from)]
          for (const text of texts) expect(text.isWellFormed() && text.length <= 255 && text !== '').toBe(true)
        } catch (error) {
          if (!(error instanceof DomainError)) throw error
        }
      }),
      { numRuns: 3000 },
    )
  })
})
