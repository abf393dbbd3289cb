import { release, sql, type SqlClient } from '#libs/event-sourcing'
import { PROVIDER_ID } from './provider-identity.js'
import { PROFILE_FIELDS, type ProfileField } from './user.events.js'
import { reservedUsername, USERNAME } from './username.js'

/** Who somebody is, in words that may have to be erased: kept beside the log, one row a version. */
export interface Profile {
  readonly username: string
  readonly firstName: string
  readonly lastName: string
  readonly email: string
  /** The provider's unique id; empty for somebody whom no provider knows. */
  readonly externalId: string
}

const NOBODY: Profile = { username: '', firstName: '', lastName: '', email: '', externalId: '' }

/** What is different, by name. */
export const changedFields = (before: Profile | undefined, after: Profile): ProfileField[] =>
  PROFILE_FIELDS.filter((field) => (before ?? NOBODY)[field] !== after[field])

/** Writes the version that a `ProfileChanged` names, inside its append, and gives up a username that is theirs no more. */
export async function writeProfile(
  client: SqlClient,
  userGuid: string,
  version: number,
  profile: Profile,
): Promise<void> {
  const { username, firstName, lastName, email, externalId } = profile
  await client.query(sql`update profile set current = false where user_guid = ${userGuid} and current`)
  await client.query(sql`
    insert into profile (user_guid, version, username, first_name, last_name, email, external_id)
    values (${userGuid}, ${version}, ${username}, ${firstName}, ${lastName}, ${email}, ${externalId})`)
  await release(client, USERNAME, userGuid, reservedUsername(username))
}

/** Erases all that is known of somebody, inside the append that deletes them: others may have their names then. */
export async function eraseProfile(client: SqlClient, userGuid: string): Promise<void> {
  await client.query(sql`delete from profile where user_guid = ${userGuid}`)
  await release(client, USERNAME, userGuid)
  await release(client, PROVIDER_ID, userGuid)
}
