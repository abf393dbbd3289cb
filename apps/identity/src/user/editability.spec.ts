import type { Role } from '#libs/contracts'
import { AuthorizationSettings, OAuth2Settings } from '#libs/service'
import { editability, mustBeEditable, stricter, type EditableField } from './editability.js'
import type { Editor } from './user.decider.js'

type Changes = Partial<
  Pick<
    OAuth2Settings & AuthorizationSettings,
    | 'usernameClaim'
    | 'emailClaim'
    | 'firstNameClaim'
    | 'lastNameClaim'
    | 'userInfoEditableBy'
    | 'userRoleMapping'
    | 'userRoleGroupMapping'
  >
> & { readonly openIDConnectIssuer?: string | undefined }

/** Each section takes what is its own, and has no use for the rest. */
const editable = (changes: Changes = {}) =>
  editability(
    Object.assign(new OAuth2Settings(), { openIDConnectIssuer: 'https://op.test' }, changes),
    Object.assign(new AuthorizationSettings(), changes),
  )
const GOOGLE = { openIDConnectIssuer: undefined }
const ALL_BLANK = { usernameClaim: '', emailClaim: '', firstNameClaim: '', lastNameClaim: '' }
const FIELDS: readonly EditableField[] = ['username', 'firstName', 'lastName', 'email', 'role']

/** `p` provider, `s` administrators and the person, `a` administrators; in the order of `FIELDS`. */
const letters = (changes: Changes): string => {
  const by = editable(changes)
  return FIELDS.map((field) => ({ provider: 'p', adminandself: 's', admin: 'a' })[by[field]]).join('')
}

describe('who may edit what', () => {
  it.each<[string, string, Changes]>([
    ['ID-11 ID-17 ID-21 ID-25 all of a profile is the provider’s by default', 'ppppa', {}],
    ['ID-17 a username claim of another name is the provider’s, too', 'ppppa', { usernameClaim: 'nickname' }],
    ['ID-18 a blank UsernameClaim gives usernames to users and administrators', 'spppa', { usernameClaim: '' }],
    ['ID-22 a blank FirstNameClaim gives the first name and nothing else', 'psppa', { firstNameClaim: '' }],
    ['ID-22 a blank LastNameClaim gives the last name and nothing else', 'ppspa', { lastNameClaim: '' }],
    ['ID-22 a blank EmailClaim gives the e-mail address and nothing else', 'pppsa', { emailClaim: '' }],
    ['ID-26 AdminAndSelf gives the fields to both', 'ssssa', ALL_BLANK],
    ['ID-27 ID-33 Admin gives them to administrators only', 'aaaaa', { ...ALL_BLANK, userInfoEditableBy: 'Admin' }],
    ['ID-21 Admin gives nobody what is the provider’s', 'ppppa', { userInfoEditableBy: 'Admin' }],
    ['ID-02 Google states no usernames, so they are the users’', 'spppa', GOOGLE],
    [
      'ID-03 with Google administrators edit usernames, whatever the setting',
      'apppa',
      { ...GOOGLE, userInfoEditableBy: 'Admin' },
    ],
    ['ID-22 with Google blank claims give the other fields', 'ssssa', { ...ALL_BLANK, ...GOOGLE }],
    ['ROLE-12 ROLE-13 a mapping by claim takes the role', 'ppppp', { userRoleMapping: true }],
    ['ROLE-12 ROLE-13 a mapping by group takes the role', 'ppppp', { userRoleGroupMapping: true }],
    ['ROLE-12 a mapping leaves the other fields', 'ssssp', { ...ALL_BLANK, userRoleMapping: true }],
  ])('%s', (_, expected, settings) => {
    expect(letters(settings)).toBe(expected)
  })

  it('ID-26 ID-27 goes by no other setting: all 256 combinations', () => {
    const bits = [0, 1, 2, 3, 4, 5, 6, 7]
    for (let number = 0; number < 256; number++) {
      const [google, username, first, last, email, admin, byClaim, byGroup] = bits.map(
        (bit) => (number >> bit) % 2 === 1,
      )
      const ours = admin ? 'a' : 's'
      const expected = [google || username, first, last, email].map((free) => (free ? ours : 'p')).join('')
      expect(
        letters({
          openIDConnectIssuer: google ? undefined : 'https://op.test',
          usernameClaim: username ? '' : 'u',
          firstNameClaim: first ? '' : 'f',
          lastNameClaim: last ? '' : 'l',
          emailClaim: email ? '' : 'e',
          userInfoEditableBy: admin ? 'Admin' : 'AdminAndSelf',
          userRoleMapping: byClaim,
          userRoleGroupMapping: byGroup,
        }),
      ).toBe(expected + (byClaim || byGroup ? 'p' : 'a'))
    }
  })

  it('the stricter of two is the one that fewer can use', () => {
    expect([stricter('adminandself', 'admin'), stricter('provider', 'admin')]).toEqual(['admin', 'provider'])
    expect(stricter('adminandself', 'adminandself')).toBe('adminandself')
  })
})

describe('an edit', () => {
  const vera = { username: 'vera', firstName: 'Vera', lastName: 'V', email: 'v@x.org', externalId: 'x' }
  const before = { ...vera, role: 'viewer' as Role }
  const self: Editor = { guid: 'vera', role: 'viewer' }
  const other: Editor = { guid: 'paul', role: 'publisher' }
  const alice: Editor = { guid: 'alice', role: 'administrator' }

  const outcome = (settings: Changes, editor: Editor, field: EditableField): string => {
    try {
      const wanted = { [field]: field === 'role' ? 'publisher' : 'new' }
      mustBeEditable(editable(settings), editor, 'vera', before, wanted)
      return 'done'
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  const free = ALL_BLANK
  const admin = { ...ALL_BLANK, userInfoEditableBy: 'Admin' } as const
  const mapped = { userRoleMapping: true }

  it.each<[string, string, Changes, Editor, EditableField]>([
    ['ID-11 of the provider’s username', 'user.username_of_provider', {}, alice, 'username'],
    ['ID-21 of the provider’s field by an administrator', 'user.field_of_provider', {}, alice, 'email'],
    ['ID-21 of the provider’s field by the person', 'user.field_of_provider', {}, self, 'lastName'],
    ['ID-26 of a free field by the person', 'done', free, self, 'lastName'],
    ['ID-26 of a free field by an administrator', 'done', free, alice, 'lastName'],
    ['of a free field by somebody else', 'permission.denied', free, other, 'lastName'],
    ['ID-27 of a free field by the person, under Admin', 'permission.denied', admin, self, 'firstName'],
    ['ID-33 of a free field by an administrator, under Admin', 'done', admin, alice, 'firstName'],
    ['ID-18 of a free username by the person', 'done', free, self, 'username'],
    ['ID-03 of a free username by an administrator, under Admin', 'done', admin, alice, 'username'],
    ['ROLE-13 of a role by an administrator', 'done', {}, alice, 'role'],
    ['of a role by the person', 'role.not_grantable', {}, self, 'role'],
    ['ROLE-12 D10 of a mapped role by an administrator', 'role.of_provider', mapped, alice, 'role'],
    ['CLI-02 ID-28 of the provider’s field by the operator', 'done', {}, 'operator', 'email'],
    ['CLI-02 of a mapped role by the operator', 'done', mapped, 'operator', 'role'],
  ])('%s: %s', (_, expected, settings, editor, field) => {
    expect(outcome(settings, editor, field)).toBe(expected)
  })

  it('to what is so already is none', () => {
    expect(() => mustBeEditable(editable(), self, 'vera', before, before)).not.toThrow()
  })
})
