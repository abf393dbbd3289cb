import { DomainError } from '#libs/contracts'
import { reserve, type SqlClient } from '#libs/event-sourcing'

const KIND = 'username'

/**
 * Takes a username for one user alone, inside the append that gives it to them. Only names that were made here or may
 * be edited are exclusive; those that a provider states are the provider's, and may occur twice.
 * @throws DomainError `user.username_taken`
 */
export async function takeUsername(client: SqlClient, userGuid: string, username: string): Promise<void> {
  if (await reserve(client, KIND, username.toLowerCase(), userGuid)) return
  throw new DomainError('conflict', 'user.username_taken', 'This username is in use.')
}
