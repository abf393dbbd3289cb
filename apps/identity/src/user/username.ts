import { DomainError } from '#libs/contracts'
import { reserve, sql, type SqlClient } from '#libs/event-sourcing'

/** The kind of reservation that makes a username one user's alone. */
export const USERNAME = 'username'

/** What is reserved: usernames that differ in case only are one. */
export const reservedUsername = (username: string): string => username.toLowerCase()

/**
 * Takes a username for one user alone, inside the append that gives it to them. Only names that were made here or may
 * be edited are exclusive; those that a provider states are the provider's, and may occur twice. But what is made here
 * gives way to them, too.
 * @throws DomainError `user.username_taken`
 */
export async function takeUsername(client: SqlClient, userGuid: string, username: string): Promise<void> {
  const isOurs = await reserve(client, USERNAME, reservedUsername(username), userGuid)
  const { rowCount } = await client.query(sql`
    select from profile where current and username_key = name_key(${username}) and user_guid <> ${userGuid} limit 1`)
  if (!isOurs || rowCount) throw new DomainError('conflict', 'user.username_taken', 'This username is in use.')
}
