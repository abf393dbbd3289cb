import { DomainError } from '#libs/contracts'
import type { OAuth2Settings } from '#libs/service'
import { claimOf, emailOf, type Claims } from './claims.js'

type AccessSettings = Pick<OAuth2Settings, 'allowedDomain' | 'allowedEmail' | 'emailClaim' | 'isGoogle'>

// One @, no quoting, nothing invisible: whatever could be read in two ways is no address here.
const ADDRESS = /^[^\s"@\p{C}]{1,64}@[^\s"@\p{C}]{1,253}$/u

/**
 * Whether this person may log in at all, asked at every login and before anything is stored.
 * @throws DomainError `login.access_denied`
 */
export function mustHaveAccess(claims: Claims, settings: AccessSettings): void {
  const { allowedDomain, allowedEmail, isGoogle } = settings
  if (allowedDomain.length === 0 && allowedEmail.length === 0) return
  const email = verifiedEmailOf(claims, settings)
  if (email !== undefined) {
    if (allowedEmail.some((allowed) => lower(allowed) === email)) return
    const domain = email.slice(email.indexOf('@') + 1)
    // An address of a company can belong to a private Google account, of somebody who left: `hd` is of the company.
    const vouched = !isGoogle || isFilled(claimOf(claims, 'hd'))
    if (vouched && allowedDomain.some((allowed) => lower(allowed) === domain)) return
  }
  throw new DomainError(
    'forbidden',
    'login.access_denied',
    'Access is not permitted for your account. An administrator decides which e-mail addresses and domains may log in.',
  )
}

/** The address in lower case, if it may decide about access: a provider must not call it unverified, and Google must say. */
function verifiedEmailOf(claims: Claims, settings: AccessSettings): string | undefined {
  const email = emailOf(claims, settings)
  if (typeof email !== 'string' || !ADDRESS.test(email)) return undefined
  const verified = claimOf(claims, 'email_verified')
  const isVerified = verified === true || verified === 'true'
  // Many providers do not send the claim at all; Google always does.
  if (!isVerified && (settings.isGoogle || verified !== undefined)) return undefined
  return lower(email)
}

/** ASCII only: other letters would turn into these, such as the Kelvin sign into k. */
const lower = (text: string): string => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase())

const isFilled = (value: unknown): boolean => typeof value === 'string' && value.trim() !== ''
