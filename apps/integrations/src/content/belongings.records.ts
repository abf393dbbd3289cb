import type { SqlClient } from '#libs/event-sourcing'
import { removeArchivesOf } from '../bundle/archives.js'
import { giveUpVanityPath } from '../vanity/vanity.paths.js'

/** What an item has outside the log goes with it, in the append that deletes the item. */
export async function giveUpBelongings(client: SqlClient, contentGuid: string): Promise<void> {
  await giveUpVanityPath(client, contentGuid)
  await removeArchivesOf(client, contentGuid)
}
