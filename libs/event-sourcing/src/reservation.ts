import type { SqlClient } from './sql.js'
import { sql } from './sql.js'

/**
 * Takes a value that must be unique across streams (a username, a name), inside the append that makes it so.
 * @param holder the guid that the value belongs to; the same holder may take it again
 * @returns false when somebody else has it
 */
export async function reserve(client: SqlClient, kind: string, value: string, holder: string): Promise<boolean> {
  const { rowCount } = await client.query(sql`
    insert into reserved (kind, value, holder) values (${kind}, ${value}, ${holder})
    on conflict (kind, value) do update set holder = excluded.holder where reserved.holder = excluded.holder`)
  return rowCount === 1
}

/** Gives up what a holder has taken of one kind, except the value it keeps. */
export async function release(
  client: SqlClient,
  kind: string,
  holder: string,
  keep: string | null = null,
): Promise<void> {
  await client.query(sql`
    delete from reserved where kind = ${kind} and holder = ${holder} and value is distinct from ${keep}`)
}
