import { createHmac } from 'node:crypto'
import { v5 as uuidV5 } from 'uuid'
import { DomainError, type Secret } from '#libs/contracts'
import { reserve, type SqlClient } from '#libs/event-sourcing'

const PEOPLE = '0d1f6a1e-57a8-4f0e-9a3f-4d8f3e0f6c52'

/** `record.reserved.kind` of what a provider calls somebody; its holder is the user. Released when the user is deleted. */
export const PROVIDER_ID = 'provider_id'

/** Who somebody is to a provider: the issuer's word for them, exactly. */
export interface ProviderIdentity {
  readonly issuer: string
  readonly uniqueId: string
}

/** `record.reserved.value` of an identity. Exact: case and white space count. */
export const providerIdValue = ({ issuer, uniqueId }: ProviderIdentity): string => JSON.stringify([issuer, uniqueId])

/**
 * The guid of somebody who logs in and whom nobody holds: always the same, so that two logins at once meet in one stream.
 * Content and other people see guids, so nobody may find out by trying whose a guid is: without the key none can be made.
 * @param key the key of logins, which all replicas share; with another one, only people yet unknown get other guids
 * @param number counted from 1; the next one when that stream was another person's, such as one who was deleted
 */
export const userGuidOf = (key: Secret, { issuer, uniqueId }: ProviderIdentity, number = 1): string =>
  uuidV5(
    createHmac('sha256', key.reveal())
      .update(JSON.stringify(['user', issuer, uniqueId, number]))
      .digest(),
    PEOPLE,
  )

/**
 * Ties an identity to one user alone, inside the append that makes or changes it.
 * @throws DomainError `user.provider_id_taken`
 */
export async function takeProviderId(client: SqlClient, userGuid: string, identity: ProviderIdentity): Promise<void> {
  if (await reserve(client, PROVIDER_ID, providerIdValue(identity), userGuid)) return
  throw new DomainError('conflict', 'user.provider_id_taken', 'Another user has this unique id already.')
}
