import type { Claims } from './claims.js'

/** What only the signature vouches for: who this is, of whom, for whom, until when. */
const OF_THE_ID_TOKEN = new Set(
  'iss sub aud azp exp iat nbf nonce jti sid auth_time acr amr at_hash c_hash s_hash'.split(' '),
)

/**
 * What a provider says of a person in two places: the UserInfo answer is the fresher one, so it wins for the profile.
 * @param signed the claims of a verified ID token
 * @param userInfo of the same subject
 */
export function mergedClaims(signed: Claims, userInfo: Claims): Claims {
  const profile = Object.entries(userInfo).filter(([name]) => !OF_THE_ID_TOKEN.has(name))
  const claims: Record<string, unknown> = { ...signed, ...Object.fromEntries(profile) }
  // Whether an address is verified is said of that very address.
  if (claims['email'] !== signed['email'] && !Object.hasOwn(userInfo, 'email_verified')) delete claims['email_verified']
  return claims
}
