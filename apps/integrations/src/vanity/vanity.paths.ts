import { DomainError, vanityKey } from '#libs/contracts'
import { release, reserve, sql, type SqlClient } from '#libs/event-sourcing'
import { ancestorsOf } from './vanity-path.js'

const KIND = 'vanity_path'
/** Any number will do, if all use it. */
const LOCK = 5_207_313_001

/**
 * Takes a path for a content item inside the append that gives it to the item, and gives up the former one. Nobody else
 * may have it, nor one inside of it or around it: else one item could show its pages among those of another.
 * @throws DomainError `vanity.path_taken`
 */
export async function takeVanityPath(client: SqlClient, contentGuid: string, path: string): Promise<void> {
  const key = vanityKey(path)
  // Two paths of which one contains the other are no conflict for a unique key.
  await client.query(sql`select pg_advisory_xact_lock(${LOCK})`)
  if ((await holdersOf(client, path)).some((holder) => holder !== contentGuid)) throw taken()
  await release(client, KIND, contentGuid, key)
  if (!(await reserve(client, KIND, key, contentGuid))) throw taken()
}

export const giveUpVanityPath = (client: SqlClient, contentGuid: string): Promise<void> =>
  release(client, KIND, contentGuid)

/** The items that stand in the way of a path. */
export async function holdersOf(client: SqlClient, path: string): Promise<string[]> {
  const key = vanityKey(path)
  const { rows } = await client.query<{ holder: string }>(sql`
    select holder from reserved
    where kind = ${KIND} and (value = any(${[key, ...ancestorsOf(key)]}::text[])
      or (value >= ${key}::text collate "C" and value < ${key}::text || chr(1114111) collate "C"))`)
  return [...new Set(rows.map(({ holder }) => holder))]
}

const taken = (): DomainError =>
  new DomainError('conflict', 'vanity.path_taken', 'The path, or one inside of it or around it, is in use.')
