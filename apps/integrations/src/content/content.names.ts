import { DomainError } from '#libs/contracts'
import { release, reserve, type SqlClient } from '#libs/event-sourcing'

const KIND = 'content_name'

/**
 * Takes a name among those of its owner, inside the append that gives it to the content, and gives up the former one.
 * @throws DomainError `content.name_taken`
 */
export async function takeName(client: SqlClient, contentGuid: string, ownerGuid: string, name: string): Promise<void> {
  const value = `${ownerGuid}/${name}`
  if (!(await reserve(client, KIND, value, contentGuid))) {
    throw new DomainError(
      'conflict',
      'content.name_taken',
      'You already have content of this name; choose another name.',
    )
  }
  await release(client, KIND, contentGuid, value)
}

export const giveUpName = (client: SqlClient, contentGuid: string): Promise<void> => release(client, KIND, contentGuid)
