import { DomainError } from '#libs/contracts'
import type { AuthorizationSettings, OAuth2Settings } from '#libs/service'
import type { Profile } from '../user/profile.js'
import { isProhibited, legalUsername, localPart, UNSEEN } from '../user/username-rules.js'

/** What a provider says of somebody, verified; values are still theirs. */
export type Claims = Readonly<Record<string, unknown>>

const LONGEST = 255
const MOST_GROUPS = 2000

/**
 * The value of the claim that a setting names. A claim of exactly this name wins, dots or not, as names may be URLs;
 * otherwise each dot leads into an object: `realm_access.role`.
 */
export function claimOf(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name]
  // The longest name first, so that a path may begin with a URL.
  for (let dot = name.lastIndexOf('.'); dot > 0; dot = name.lastIndexOf('.', dot - 1)) {
    const outer = name.slice(0, dot)
    const object = Object.hasOwn(claims, outer) ? claims[outer] : undefined
    const value = isObject(object) ? claimOf(object, name.slice(dot + 1)) : undefined
    if (value !== undefined) return value
  }
  return undefined
}

/**
 * What identifies a person for good.
 * @throws DomainError `login.claim_missing`, `login.email_unverified`
 */
export function uniqueIdOf(claims: Claims, { uniqueIdClaim, emailClaim }: OAuth2Settings): string {
  const value = claimOf(claims, uniqueIdClaim)
  // Whoever may write any address into their profile must not become its owner here.
  if ([emailClaim || 'email', 'email'].includes(uniqueIdClaim) && isUnverified(claims)) {
    throw new DomainError(
      'forbidden',
      'login.email_unverified',
      'The login provider has not verified your e-mail address, by which people are told apart here.',
    )
  }
  // Exactly as it came: two ids that differ in white space are two people.
  if (typeof value === 'string' && value !== '' && value.length <= LONGEST && isText(value)) return value
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value)
  throw new DomainError(
    'forbidden',
    'login.claim_missing',
    `The login provider did not send the claim ${uniqueIdClaim}, which identifies people here. An administrator has to check OAuth2.UniqueIdClaim.`,
  )
}

/** Where a username comes from: a claim, what is stored, or the e-mail address. */
export type UsernameOrigin = 'claim' | 'stored' | 'email'

/**
 * The profile after a login: what the provider says, else what is stored.
 * @returns `origin` `email`: the username was made here, and so has to be unique
 * @throws DomainError `login.username_missing`, `login.username_prohibited`
 */
export function profileOf(
  claims: Claims,
  settings: OAuth2Settings,
  uniqueId: string,
  before: Profile | undefined,
): { profile: Profile; origin: UsernameOrigin } {
  // A claim that is set blank is nobody's: the field is edited here.
  const stated = (claim: string): string | undefined => (claim === '' ? undefined : textOf(claimOf(claims, claim)))
  const { username, origin } = usernameOf(claims, settings, before)
  return {
    profile: {
      username,
      firstName: stated(settings.firstNameClaim) ?? before?.firstName ?? '',
      lastName: stated(settings.lastNameClaim) ?? before?.lastName ?? '',
      email: stated(settings.emailClaim) ?? before?.email ?? '',
      externalId: uniqueId,
    },
    origin,
  }
}

function usernameOf(
  claims: Claims,
  settings: OAuth2Settings,
  before: Profile | undefined,
): { username: string; origin: UsernameOrigin } {
  const editable = settings.usernamesAreEditable
  const stated = editable ? undefined : seenOf(claimOf(claims, settings.usernameClaim))
  if (stated !== undefined) return { username: permitted(stated), origin: 'claim' }
  if (!editable && settings.requireUsernameClaim) {
    throw missing(
      `The login provider did not send the claim ${settings.usernameClaim}, which is required here. An administrator has to check OAuth2.UsernameClaim.`,
    )
  }
  if (before?.username) return { username: before.username, origin: 'stored' }
  const email = emailOf(claims, settings)
  const derived = localPart((editable ? textOf(email) : seenOf(email)) ?? before?.email ?? '')
  if (derived === '') {
    throw missing(
      'The login provider sent neither a username nor an e-mail address. An administrator has to check OAuth2.UsernameClaim and OAuth2.EmailClaim.',
    )
  }
  return { username: permitted(editable ? legalUsername(permitted(derived)) : derived), origin: 'email' }
}

/** The e-mail address that a provider states, in the claim of the settings or, where that is blank, in the usual one. */
export const emailOf = (claims: Claims, { emailClaim }: Pick<OAuth2Settings, 'emailClaim'>): unknown =>
  claimOf(claims, emailClaim || 'email')

/** The values that the claim of the role holds; the empty list when there is no such claim. */
export function roleValuesOf(claims: Claims, { roleClaim }: Pick<OAuth2Settings, 'roleClaim'>): string[] {
  return roleClaim === '' ? [] : textsOf(claimOf(claims, roleClaim))
}

/**
 * What a provider says of groups. `told`: all of them, which may be none. Otherwise it says nothing, and nothing that
 * follows from groups may change: `overage`, there are more than fit into a token; `too many`, more than we take;
 * `off`, the settings do not ask.
 */
export type GroupsClaim =
  | { readonly told: true; readonly groups: readonly string[] }
  | { readonly told: false; readonly why: 'off' | 'absent' | 'blank' | 'overage' | 'too many' }

/** The groups that a provider names, by name or by unique ID. */
export function groupsOf(
  claims: Claims,
  settings: OAuth2Settings,
  { userGroups }: Pick<AuthorizationSettings, 'userGroups'>,
): GroupsClaim {
  const { groupsClaim, groupsSeparator, statesGroups } = settings
  if (!statesGroups || !userGroups) return { told: false, why: 'off' }
  const value = claimOf(claims, groupsClaim)
  if (value === undefined) return { told: false, why: isOverage(claims, groupsClaim) ? 'overage' : 'absent' }
  const list = typeof value === 'string' && groupsSeparator !== undefined ? split(value, groupsSeparator) : value
  if (Array.isArray(list) && list.length > MOST_GROUPS) return { told: false, why: 'too many' }
  const groups = [...new Set(textsOf(list))]
  // Only an empty list says "none": a list of nothing that could be a group is as good as blank.
  const none = Array.isArray(list) && list.length === 0
  return groups.length > 0 || none ? { told: true, groups } : { told: false, why: 'blank' }
}

/** Entra's way to say that the groups did not fit. We count nothing, and call no address that a token names. */
function isOverage(claims: Claims, groupsClaim: string): boolean {
  const elsewhere = claims['_claim_names']
  if (isObject(elsewhere) && Object.hasOwn(elsewhere, groupsClaim)) return true
  return claims['hasgroups'] === true || claims['hasgroups'] === 'true'
}

function permitted(username: string): string {
  if (!isProhibited(username)) return username
  throw new DomainError(
    'forbidden',
    'login.username_prohibited',
    `The username ${username.toLowerCase()} is reserved; ask for another one at the login provider.`,
  )
}

/**
 * A username of the provider's, in one form (NFC). Dropping what nobody sees would make it somebody else's.
 * @throws DomainError `login.username_prohibited`
 */
function seenOf(value: unknown): string | undefined {
  if (typeof value === 'string' && UNSEEN.test(value)) {
    throw new DomainError(
      'forbidden',
      'login.username_prohibited',
      'The username has characters that nobody sees; ask for another one at the login provider.',
    )
  }
  return textOf(value)?.normalize('NFC')
}

const missing = (message: string): DomainError => new DomainError('forbidden', 'login.username_missing', message)

const isObject = (value: unknown): value is Claims =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Whether the provider says so; many say nothing. */
function isUnverified(claims: Claims): boolean {
  const verified = claimOf(claims, 'email_verified')
  return verified !== undefined && verified !== true && verified !== 'true'
}

/** Whether a text can be stored as it is: no control characters, no half of a surrogate pair. */
const isText = (value: string): boolean => !/\p{Cc}/u.test(value) && value.isWellFormed()

/** White space around a separator is nobody's; elsewhere it is part of a name. */
const split = (value: string, separator: string): string[] => value.split(separator).map((part) => part.trim())

/**
 * The usable texts of a value that is one or a list of them, exactly as they came: "admins " is another group than
 * "admins". What is too long is no other text cut short.
 */
function textsOf(value: unknown): string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value]
  return list.flatMap((one) =>
    typeof one === 'string' && one.length <= LONGEST && isText(one) && one.trim() !== '' ? [one] : [],
  )
}

/** A line of text without anything that would let it pass for another: `undefined` when nothing is left. */
export function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  // Control characters, and those that turn the direction of writing.
  const text = value
    .toWellFormed()
    .replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '')
    .trim()
  // In whole characters: half of one cannot be stored.
  const short = [...text.slice(0, 2 * LONGEST)].slice(0, LONGEST).join('').trim()
  return short === '' ? undefined : short
}
