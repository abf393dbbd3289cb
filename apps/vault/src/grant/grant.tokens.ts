import type { Secret } from '#libs/contracts'
import { sql, type SqlClient } from '#libs/event-sourcing'
import type { Safe } from '../safe/index.js'
import { tokenPlace } from './grant.stream.js'

export interface Tokens {
  readonly accessToken: Secret
  readonly refreshToken: Secret | undefined
}

/** Seals a grant's tokens under a new generation and destroys the former ones; for the append's own transaction. */
export async function putTokens(
  safe: Safe,
  client: SqlClient,
  guid: string,
  generation: number,
  { accessToken, refreshToken }: Tokens,
): Promise<void> {
  await safe.put(client, tokenPlace(guid, 'access_token'), generation, accessToken)
  await safe.destroy(client, tokenPlace(guid, 'access_token'), { before: generation })
  if (refreshToken) await safe.put(client, tokenPlace(guid, 'refresh_token'), generation, refreshToken)
  await safe.destroy(client, tokenPlace(guid, 'refresh_token'), { before: generation })
}

/**
 * Keeps a token that came too late to be used, so that it can be revoked at the provider: it is alive there and nobody
 * else knows of it.
 */
export async function oweRevocation(
  safe: Safe,
  client: SqlClient,
  attempt: string,
  integrationGuid: string,
  { accessToken, refreshToken }: Tokens,
): Promise<void> {
  await safe.put(client, ['owed_revocation', attempt, 'token'], 0, refreshToken ?? accessToken)
  const data = { integration_guid: integrationGuid, token_type_hint: refreshToken ? 'refresh_token' : 'access_token' }
  await client.query(sql`
    insert into todo (kind, key, data) values ('revoke_upstream', ${attempt}, ${JSON.stringify(data)})
    on conflict do nothing`)
}
