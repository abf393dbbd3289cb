import type { Quirk, Rotation } from '#libs/contracts'

/** The strictest that the quirks name; what nobody has told us of is taken for single use. */
export function rotationOf(quirks: readonly Quirk[]): Rotation {
  if (quirks.includes('refresh_token_reuse_ends_grant')) return 'family'
  if (quirks.includes('single_use_refresh_token')) return 'single_use'
  if (quirks.includes('refresh_token_reuse_in_grace')) return 'grace'
  return quirks.includes('refresh_token_reuse_allowed') ? 'kept' : 'single_use'
}

/**
 * Whether tokens may be renewed while the old access token is still good: not where that ends with its refresh token,
 * since content may be using it.
 * @see https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens
 */
export const mayRenewEarly = (quirks: readonly Quirk[]): boolean => !quirks.includes('refresh_ends_access_token')
