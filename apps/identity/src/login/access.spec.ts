import { OAuth2Settings } from '#libs/service'
import { mustHaveAccess } from './access.js'
import type { Claims } from './claims.js'

const settings = (changes: Partial<OAuth2Settings>): OAuth2Settings =>
  Object.assign(new OAuth2Settings(), { openIDConnectIssuer: 'https://op.test' }, changes)
const isLetIn = (claims: Claims, changes: Partial<OAuth2Settings>): boolean => {
  try {
    mustHaveAccess(claims, settings(changes))
    return true
  } catch (error) {
    expect((error as { code: string }).code).toBe('login.access_denied')
    expect((error as Error).message).toContain('Access is not permitted')
    return false
  }
}

const nobody = {}
const domain = { allowedDomain: ['company.com'] }
const address = { allowedEmail: ['jdoe@company.com'] }
const both = { allowedDomain: ['company.com'], allowedEmail: ['p@else.org'] }
const two = { allowedDomain: ['company.com', 'subsidiary.com'], allowedEmail: ['p@else.org', 'q@else.org'] }

describe('access', () => {
  it.each<[string, Partial<OAuth2Settings>, string | undefined, boolean]>([
    ['ACCESS-01 A25 neither', nobody, 'x@anywhere.test', true],
    ['ACCESS-01 A25 neither', nobody, undefined, true],
    ['ACCESS-02 A25 domain', domain, 'x@company.com', true],
    ['ACCESS-02 A25 domain', domain, 'x@other.com', false],
    ['ACCESS-02 A25 domain', domain, undefined, false],
    ['ACCESS-03 A25 address', address, 'jdoe@company.com', true],
    ['ACCESS-03 A25 address', address, 'other@company.com', false],
    ['ACCESS-03 A25 address', address, undefined, false],
    ['ACCESS-04 A25 both', both, 'a@company.com', true],
    ['ACCESS-04 A25 both', both, 'p@else.org', true],
    ['ACCESS-04 A25 both', both, 'q@else.org', false],
    ['ACCESS-05 several', two, 'a@company.com', true],
    ['ACCESS-05 several', two, 'a@subsidiary.com', true],
    ['ACCESS-05 several', two, 'p@else.org', true],
    ['ACCESS-05 several', two, 'q@else.org', true],
    ['ACCESS-05 several', two, 'r@else.org', false],
    ['ACCESS-07 whole', domain, 'x@evilcompany.com', false],
    ['ACCESS-07 whole', domain, 'x@sub.company.com', false],
    ['ACCESS-07 whole', domain, 'company.com', false],
    ['A24 case', domain, 'A@COMPANY.COM', true],
    ['A24 case', { allowedDomain: ['Company.com'] }, 'a@company.com', true],
    ['A24 case', { allowedEmail: ['JDoe@company.com'] }, 'jdoe@Company.com', true],
    ['A24 suffix', domain, 'a@company.com.evil.test', false],
    ['A24 two @', domain, 'a@evil.test@company.com', false],
    ['A24 two @', domain, 'a@company.com@evil.test', false],
    ['A24 Cyrillic', domain, 'a@compаny.com', false],
    ['A24 Kelvin', { allowedDomain: ['kompany.com'] }, 'a@\u212aompany.com', false],
    ['A24 trailing dot', domain, 'a@company.com.', false],
    ['A24 quoted', domain, '"x@company.com"@evil.test', false],
    ['A24 quoted', domain, '"x y"@company.com', false],
    ['A24 white space', domain, 'a@company.com ', false],
    ['A24 NUL', domain, 'a@company.com\0', false],
    ['A24 invisible', domain, 'a\u200b@company.com', false],
    ['A24 no local part', domain, '@company.com', false],
  ])('%s: %j, %j is let in: %s', (_id, changes, email, letIn) => {
    expect(isLetIn({ email }, changes)).toBe(letIn)
  })

  it.each<[unknown, boolean]>([
    [true, true],
    ['true', true],
    [undefined, true],
    [false, false],
    ['false', false],
    [null, false],
    [0, false],
  ])('A23 with email_verified %j is let in: %s', (verified, letIn) => {
    expect(isLetIn({ email: 'a@company.com', email_verified: verified }, domain)).toBe(letIn)
    expect(isLetIn({ email: 'jdoe@company.com', email_verified: verified }, address)).toBe(letIn)
    expect(isLetIn({ email: 'a@company.com', email_verified: verified }, nobody)).toBe(true)
  })

  it('ACCESS-02 reads the claim that EmailClaim names, and the usual one where it is blank', () => {
    expect(isLetIn({ mail: 'a@company.com', email: 'a@else.org' }, { ...domain, emailClaim: 'mail' })).toBe(true)
    expect(isLetIn({ mail: 'a@else.org', email: 'a@company.com' }, { ...domain, emailClaim: 'mail' })).toBe(false)
    expect(isLetIn({ email: 'a@company.com' }, { ...domain, emailClaim: '' })).toBe(true)
  })

  describe('by Google', () => {
    const google = { openIDConnectIssuer: undefined }
    const claims = { email: 'a@company.com', email_verified: true, hd: 'company.com' }

    it.each<[string, Claims, Partial<OAuth2Settings>, boolean]>([
      ['ACCESS-02 an account of the organization', claims, domain, true],
      ['ACCESS-02 an account of a second domain of one', { ...claims, hd: 'holding.com' }, domain, true],
      ['ACCESS-02 a private account with an address of the company', { ...claims, hd: undefined }, domain, false],
      [
        'ACCESS-03 a private account that is listed',
        { ...claims, hd: undefined },
        { allowedEmail: ['a@company.com'] },
        true,
      ],
      ['A23 an address that is not verified', { ...claims, email_verified: false }, domain, false],
      ['A23 an address of which nothing is said', { ...claims, email_verified: undefined }, domain, false],
      ['ACCESS-01 anybody without restrictions', { email: 'x@gmail.com' }, nobody, true],
    ])('%s', (_name, claims, changes, letIn) => {
      expect(isLetIn(claims, { ...google, ...changes })).toBe(letIn)
    })
  })
})
