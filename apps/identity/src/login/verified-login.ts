import type { Secret } from '#libs/contracts'
import type { Claims } from './claims.js'

/** What a login brought, verified. The ID token is forgotten. */
export interface VerifiedLogin {
  /** As in the settings and the provider's metadata, however the provider spelled it in the token. */
  readonly issuer: string
  /** Of the ID token and the UserInfo endpoint together. */
  readonly claims: Claims
  /** Good at the provider, in the person's name: for the request in hand or the safe, for no table and no log. */
  readonly accessToken?: Secret
  /** Seconds that `accessToken` lasts; absent when the provider did not say. */
  readonly expiresIn?: number
}
