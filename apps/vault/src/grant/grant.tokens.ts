import type { IntegrationState, Rotation, Secret } from '#libs/contracts'
import { sql, type SqlClient } from '#libs/event-sourcing'
import { hintOf, owe } from '../revocation/owed-revocations.js'
import type { Safe } from '../safe/index.js'
import { tokenPlace } from './grant.stream.js'

export interface Tokens {
  readonly accessToken: Secret
  readonly refreshToken: Secret | undefined
  /** To be traded for something else; `null` where there is none that is good, absent where none is needed. */
  readonly idToken?: Secret | null | undefined
}

/** Former refresh tokens that are destroyed after a while; the key is the grant's guid. */
export const SHRED_FORMER = 'shred_former_refresh_token'

/**
 * Seals a grant's tokens under a new generation and destroys the former ones; for the append's own transaction.
 * @param rotation with which the former refresh token is kept: `kept` until the next refresh has proved the new one,
 * `grace` until the sweep finds its time over
 */
export async function putTokens(
  safe: Safe,
  client: SqlClient,
  guid: string,
  generation: number,
  { accessToken, refreshToken, idToken }: Tokens,
  rotation?: Rotation,
): Promise<void> {
  const keepsFormer = rotation === 'kept' || rotation === 'grace'
  await safe.put(client, tokenPlace(guid, 'access_token'), generation, accessToken)
  await safe.destroy(client, tokenPlace(guid, 'access_token'), { before: generation })
  if (refreshToken) await safe.put(client, tokenPlace(guid, 'refresh_token'), generation, refreshToken)
  if (idToken) await safe.put(client, tokenPlace(guid, 'id_token'), generation, idToken)
  if (idToken !== undefined) await safe.destroy(client, tokenPlace(guid, 'id_token'), { before: generation })
  const before = keepsFormer ? generation - 1 : generation
  await safe.destroy(client, tokenPlace(guid, 'refresh_token'), { before })
  if (rotation !== 'grace') return
  await client.query(sql`
    insert into todo (kind, key, data) values (${SHRED_FORMER}, ${guid}, ${JSON.stringify({ before: generation })})
    on conflict (kind, key) do update set data = excluded.data, enqueued_at = excluded.enqueued_at`)
}

/**
 * Keeps a token that came too late to be used, so that it can be revoked at the provider: it is alive there and nobody
 * else knows of it.
 */
export async function oweRevocation(
  safe: Safe,
  client: SqlClient,
  attempt: string,
  integration: IntegrationState,
  { accessToken, refreshToken }: Tokens,
): Promise<void> {
  const hint = hintOf(integration.quirks, refreshToken !== undefined)
  const token = hint === 'refresh_token' && refreshToken ? refreshToken : accessToken
  await owe(safe, client, attempt, { integration, hint, token })
}
