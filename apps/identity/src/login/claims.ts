import { DomainError } from '#libs/contracts'
import type { OAuth2Settings } from '#libs/service'
import type { Profile } from '../user/profile.js'

/** What a provider says of somebody, verified; values are still theirs. */
export type Claims = Readonly<Record<string, unknown>>

const LONGEST = 255
const MOST_GROUPS = 1000

/** Names that would stand in paths of the product's own. */
const PROHIBITED = new Set(
  (
    'apps confirm connect content groups help login metrics plots recent register reports resetpassword setpassword ' +
    'settings tokens unpublished user-completion users welcome'
  ).split(' '),
)

/**
 * What identifies a person for good.
 * @throws DomainError `login.claim_missing`
 */
export function uniqueIdOf(claims: Claims, { uniqueIdClaim }: OAuth2Settings): string {
  const value = claims[uniqueIdClaim]
  // Exactly as it came: two ids that differ in white space are two people.
  if (typeof value === 'string' && value !== '' && value.length <= LONGEST && !/\p{Cc}/u.test(value)) return value
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
  throw new DomainError(
    'forbidden',
    'login.claim_missing',
    `The login provider did not send the claim ${uniqueIdClaim}, which identifies people here. An administrator has to check OAuth2.UniqueIdClaim.`,
  )
}

/**
 * The profile after a login: what the provider says, else what is stored.
 * @returns `derived` when the username was made from the e-mail address, and so has to be unique
 * @throws DomainError `login.username_missing`, `login.username_prohibited`
 */
export function profileOf(
  claims: Claims,
  settings: OAuth2Settings,
  uniqueId: string,
  before: Profile | undefined,
): { profile: Profile; derived: boolean } {
  const stated = (claim: string): string | undefined => (claim === '' ? undefined : textOf(claims[claim]))
  const email = stated(settings.emailClaim) ?? before?.email ?? ''
  const named = stated(settings.usernameClaim) ?? before?.username
  const username = named ?? (email || textOf(claims['email']))?.replace(/@[^@]*$/, '')
  if (!username) {
    throw new DomainError(
      'forbidden',
      'login.username_missing',
      'The login provider sent neither a username nor an e-mail address. An administrator has to check OAuth2.UsernameClaim.',
    )
  }
  if (PROHIBITED.has(username.toLowerCase())) {
    throw new DomainError(
      'forbidden',
      'login.username_prohibited',
      'This username is reserved; ask for another one at the provider.',
    )
  }
  return {
    profile: {
      username,
      firstName: stated(settings.firstNameClaim) ?? before?.firstName ?? '',
      lastName: stated(settings.lastNameClaim) ?? before?.lastName ?? '',
      email,
      externalId: uniqueId,
    },
    derived: named === undefined,
  }
}

/**
 * The groups that a provider names: `undefined` when it says nothing about groups (or says so much that it leaves them
 * out), an empty list when it says that there are none.
 */
export function groupsOf(claims: Claims, { groupsClaim }: OAuth2Settings): string[] | undefined {
  if (groupsClaim === '') return undefined
  const value = claims[groupsClaim]
  if (typeof value === 'string') return textOf(value) === undefined ? undefined : [textOf(value)!]
  if (!Array.isArray(value)) return undefined
  const names = value.map(textOf).filter((name) => name !== undefined)
  return [...new Set(names)].slice(0, MOST_GROUPS)
}

/** A line of text without anything that would let it pass for another: `undefined` when nothing is left. */
function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  // Control characters, and those that turn the direction of writing.
  const text = value
    .replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '')
    .trim()
    .slice(0, LONGEST)
  return text === '' ? undefined : text
}
