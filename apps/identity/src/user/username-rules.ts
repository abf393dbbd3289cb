import { DomainError } from '#libs/contracts'

/** Names that would stand in paths of the product's own. Case does not count. */
export const PROHIBITED_USERNAMES = [
  'connect',
  'apps',
  'users',
  'groups',
  'setpassword',
  'user-completion',
  'confirm',
  'recent',
  'reports',
  'plots',
  'unpublished',
  'settings',
  'metrics',
  'tokens',
  'help',
  'login',
  'welcome',
  'register',
  'resetpassword',
  'content',
] as const

const PROHIBITED: ReadonlySet<string> = new Set(PROHIBITED_USERNAMES)
const SHORTEST = 3
const LONGEST = 64
// ASCII only: letters of other scripts can look like these, and then two people have one name to the eye.
const EDITABLE = /^[A-Za-z][A-Za-z0-9_.]*$/

/**
 * Control characters, those that turn the direction of writing, and those that nobody sees: of two names that differ in
 * them alone one passes for the other.
 */
export const UNSEEN = /[\p{Cc}\p{Default_Ignorable_Code_Point}]/u

export const isProhibited = (username: string): boolean => PROHIBITED.has(username.toLowerCase())

/**
 * Holds for every username, whoever made it.
 * @throws DomainError `user.username_prohibited`
 */
export function mustBePermitted(username: string): void {
  if (!isProhibited(username)) return
  throw new DomainError('invalid', 'user.username_prohibited', 'This username is reserved; choose another one.')
}

/**
 * Holds for usernames that are made or edited here.
 * @throws DomainError `user.username_invalid`, `user.username_prohibited`
 */
export function mustBeEditableUsername(username: string): void {
  mustBePermitted(username)
  if (username.length >= SHORTEST && username.length <= LONGEST && EDITABLE.test(username)) return
  throw new DomainError(
    'invalid',
    'user.username_invalid',
    `A username has ${SHORTEST} to ${LONGEST} characters, begins with a letter and holds only letters without accents, digits, underscores and periods.`,
  )
}

/** The part of an e-mail address before its last @. */
export const localPart = (email: string): string => email.replace(/@[^@]*$/, '')

/**
 * Makes a text a legal editable username: accents are dropped, what may not stand there becomes an underscore, what may
 * not stand at the beginning goes, and what is too short is filled up with underscores. A prohibited name stays one.
 */
export function legalUsername(text: string): string {
  const name = text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^A-Za-z0-9_.]/g, '_')
    .replace(/^[^A-Za-z]+/, '')
    .slice(0, LONGEST)
  return (name || 'user').padEnd(SHORTEST, '_')
}

/** The nth choice of a username, counted from 1: the name itself, then with a number, and no longer than permitted. */
export const numberedUsername = (username: string, number: number): string =>
  number === 1 ? username : username.slice(0, LONGEST - String(number).length) + String(number)
