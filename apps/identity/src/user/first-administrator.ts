import { DomainError } from '#libs/contracts'
import { reserve, sql, type SqlClient } from '#libs/event-sourcing'

export const INSTALLATION = 'installation'
export const FIRST_ADMINISTRATOR = 'first-administrator'

/** Takes the installation's one reservation inside the append. @returns false when somebody else was first */
export const takeFirstAdministrator = (client: SqlClient, userGuid: string): Promise<boolean> =>
  reserve(client, INSTALLATION, FIRST_ADMINISTRATOR, userGuid)

/**
 * Asked inside the append of whatever may take an administrator away, and behind a lock: two administrators who demote
 * or lock each other at the same moment are two streams. The one place where this rule stands.
 * @throws DomainError `user.last_administrator`
 */
export async function leaveOneAdministrator(client: SqlClient): Promise<void> {
  await client.query(sql`select pg_advisory_xact_lock(hashtext('keybearer administrators'))`)
  const { rows } = await client.query<{ left: boolean }>(sql`
    select exists (select from person where role = 'administrator' and not locked) as left`)
  if (!rows[0]?.left) {
    throw new DomainError(
      'invalid',
      'user.last_administrator',
      'This would leave no administrator who can act; appoint another one first.',
    )
  }
}
