import { DomainError } from '#libs/contracts'
import { release, reserve, sql, type SqlClient } from '#libs/event-sourcing'

const NAME = 'group_name'
const UNIQUE_ID = 'group_unique_id'

/**
 * Takes a name, inside the append that gives it to the group, and gives up the former one.
 * @throws DomainError `group.name_taken`
 */
export async function takeName(client: SqlClient, guid: string, name: string): Promise<void> {
  const taken = !(await reserve(client, NAME, name, guid)) || (await isBorneByAnother(client, guid, name))
  if (taken) throw new DomainError('conflict', 'group.name_taken', 'There is a group of this name already.')
  await release(client, NAME, guid, name)
}

/** A group that was made while names could occur twice has not taken its own. */
async function isBorneByAnother(client: SqlClient, guid: string, name: string): Promise<boolean> {
  const { rowCount } = await client.query(sql`select from user_group where name = ${name} and guid <> ${guid} limit 1`)
  return rowCount === 1
}

/**
 * Takes a unique id of the provider's, and gives up the former one.
 * @throws DomainError `group.unique_id_taken`
 */
export async function takeUniqueId(client: SqlClient, guid: string, uniqueId: string): Promise<void> {
  if (!(await reserve(client, UNIQUE_ID, uniqueId, guid))) {
    throw new DomainError('conflict', 'group.unique_id_taken', 'There is a group with this unique ID already.')
  }
  await release(client, UNIQUE_ID, guid, uniqueId)
}

export const giveUpName = (client: SqlClient, guid: string): Promise<void> => release(client, NAME, guid)

export const giveUpUniqueId = (client: SqlClient, guid: string): Promise<void> => release(client, UNIQUE_ID, guid)

/**
 * Takes the names of many new groups.
 * @returns those that others have, of which nothing is taken
 */
export async function takeNames(
  client: SqlClient,
  groups: readonly { readonly guid: string; readonly name: string }[],
): Promise<string[]> {
  // In one order, so that two logins with the same groups wait for each other rather than both for ever.
  const { rows } = await client.query<{ value: string }>(sql`
    insert into reserved (kind, value, holder)
    select ${NAME}, name, guid
    from unnest(${groups.map(({ name }) => name)}::text[], ${groups.map(({ guid }) => guid)}::uuid[]) as new (name, guid)
    order by name
    on conflict (kind, value) do nothing
    returning value`)
  const taken = new Set(rows.map(({ value }) => value))
  return groups.map(({ name }) => name).filter((name) => !taken.has(name))
}

/** Takes the present name of every group whose name is free; of several with one name, for the oldest. */
export async function takeFreeNames(client: SqlClient): Promise<void> {
  await client.query(sql`
    insert into reserved (kind, value, holder)
    select distinct on (name) ${NAME}, name, guid from (
      select name, guid, position from user_group order by position for update
    ) as living
    order by name, position
    on conflict (kind, value) do nothing`)
}
