import { DomainError } from '#libs/contracts'
import { release, reserve, sql, type SqlClient } from '#libs/event-sourcing'

const KIND = 'content_name'

/**
 * Takes the name that the content now has among those of the owner whom it now has, inside the append that made it so,
 * and gives up the former one.
 * @throws DomainError `content.name_taken`
 */
export async function takeName(client: SqlClient, contentGuid: string): Promise<void> {
  const { rows } = await client.query<{ owner: string; name: string }>(sql`
    select owner_guid as owner, name from content where guid = ${contentGuid}`)
  const [content] = rows
  if (!content) return
  const value = `${content.owner}/${content.name}`
  if (!(await reserve(client, KIND, value, contentGuid))) {
    throw new DomainError(
      'conflict',
      'content.name_taken',
      'The owner already has content of this name; choose another name.',
    )
  }
  await release(client, KIND, contentGuid, value)
}

export const giveUpName = (client: SqlClient, contentGuid: string): Promise<void> => release(client, KIND, contentGuid)
