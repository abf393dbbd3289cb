import { sql, type SqlClient } from '#libs/event-sourcing'
import type { IntegrationState, Quirk, Secret } from '#libs/contracts'
import { clientFingerprint } from '../provider/client-fingerprint.js'
import type { Place, Safe } from '../safe/index.js'

export const REVOKE_UPSTREAM = 'revoke_upstream'

/** RFC 7009 §2.1. */
export type TokenTypeHint = 'access_token' | 'refresh_token'

/**
 * Of which token the provider is told. The refresh token takes all access tokens with it (RFC 7009 §2.1), where the
 * provider's revocation knows refresh tokens at all.
 */
export const hintOf = (quirks: readonly Quirk[], hasRefreshToken: boolean): TokenTypeHint =>
  hasRefreshToken && !quirks.includes('revocation_by_delete') ? 'refresh_token' : 'access_token'

/** What stands in the list of what is to be done; the token is in the safe. */
export interface OwedRevocation {
  readonly integration_guid: string
  /** Fingerprint of the client and provider that the token is of: no other is told of it. */
  readonly client: string
  readonly token_type_hint: TokenTypeHint
  /** Absent for tokens that came too late to belong to a grant. */
  readonly user_guid?: string
}

export const owedPlace = (key: string): Place => ['owed_revocation', key, 'token']

/** Notes that a provider is to be told of a token's end, in the caller's transaction. */
export async function owe(
  safe: Safe,
  client: SqlClient,
  key: string,
  owed: {
    /** As it was when it got the token. */
    readonly integration: IntegrationState
    readonly userGuid?: string
    readonly hint: TokenTypeHint
    readonly token: Secret
  },
): Promise<void> {
  await safe.put(client, owedPlace(key), 0, owed.token)
  const data: OwedRevocation = {
    integration_guid: owed.integration.guid,
    client: clientFingerprint(owed.integration),
    token_type_hint: owed.hint,
    ...(owed.userGuid !== undefined && { user_guid: owed.userGuid }),
  }
  await client.query(sql`
    insert into todo (kind, key, data) values (${REVOKE_UPSTREAM}, ${key}, ${JSON.stringify(data)})
    on conflict do nothing`)
}
