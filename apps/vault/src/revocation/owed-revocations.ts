import { sql, type SqlClient } from '#libs/event-sourcing'
import type { Secret } from '#libs/contracts'
import type { Place, Safe } from '../safe/index.js'

export const REVOKE_UPSTREAM = 'revoke_upstream'

/** RFC 7009 §2.1. */
export type TokenTypeHint = 'access_token' | 'refresh_token'

/** What stands in the list of what is to be done; the token is in the safe. */
export interface OwedRevocation {
  readonly integration_guid: string
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
    readonly integrationGuid: string
    readonly userGuid?: string
    readonly hint: TokenTypeHint
    readonly token: Secret
  },
): Promise<void> {
  await safe.put(client, owedPlace(key), 0, owed.token)
  const data: OwedRevocation = {
    integration_guid: owed.integrationGuid,
    token_type_hint: owed.hint,
    ...(owed.userGuid !== undefined && { user_guid: owed.userGuid }),
  }
  await client.query(sql`
    insert into todo (kind, key, data) values (${REVOKE_UPSTREAM}, ${key}, ${JSON.stringify(data)})
    on conflict do nothing`)
}
