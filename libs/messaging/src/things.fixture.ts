import type { ChangeContract } from '#libs/contracts'
import { IsString, IsUUID } from 'class-validator'
import type { Pool, PoolClient } from 'pg'
import { publishedSource } from './published.js'

/** Something to publish in specs. */
export class ThingState {
  @IsUUID()
  guid: string

  @IsString()
  name: string
}

export const thingContract: ChangeContract<ThingState> = {
  service: 'integrations',
  category: 'thing',
  type: 'ThingChanged',
  revision: 1,
  state: ThingState,
}

export const publishedThing = publishedSource(thingContract, 'select guid, name from thing where guid = $1')

export const THING_SCHEMA_SQL = `
create table model.thing (guid uuid primary key, name text not null);
`

/**
 * Appends events to a thing's stream as the event store does: events, rows and outbox in the caller's transaction.
 * @param name `null` deletes the thing
 * @returns the new version
 */
export async function changeWithin(client: PoolClient, guid: string, name: string | null, events = 1): Promise<number> {
  const { rows } = await client.query<{ version: number }>(
    `insert into event (stream_id, version, type, schema_version, data, meta, command_id, hash)
     select $1, last.version + each, $2, 1, '{}', '{}', gen_random_uuid(), sha256('')
     from (select coalesce(max(version), 0) as version from event where stream_id = $1) as last, generate_series(1, $3) as each
     returning version`,
    [`thing-${guid}`, name === null ? 'ThingDeleted' : 'ThingNamed', events],
  )
  const version = rows.at(-1)?.version ?? 0
  if (name === null) await client.query('delete from thing where guid = $1', [guid])
  else {
    await client.query(
      'insert into thing (guid, name) values ($1, $2) on conflict (guid) do update set name = excluded.name',
      [guid, name],
    )
  }
  await client.query(
    `insert into outbox (stream_id, version) values ($1, $2)
     on conflict (stream_id) do update set version = excluded.version, priority = 0`,
    [`thing-${guid}`, version],
  )
  return version
}

export async function change(pool: Pool, guid: string, name: string | null): Promise<number> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const version = await changeWithin(client, guid, name)
    await client.query('commit')
    return version
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
}
