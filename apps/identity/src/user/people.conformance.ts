import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import type { Actor, Role } from '#libs/contracts'
import { PostgresEventStore, Streams } from '#libs/event-sourcing'
import { keyOf } from '../identity-under-test.conformance.js'
import { changedFields, writeProfile, type Profile } from './profile.js'
import { userStream } from './user.stream.js'

export type PersonActor = Extract<Actor, { type: 'key' }>

/** Puts an administrator there who can own something, and whom no list of people shows. */
export async function nameless(pool: Pool, guid: string): Promise<void> {
  await pool.query(
    `insert into person (guid, position, role, locked, profile_version, created_at, updated_at)
     select $1, least(min(position), 0) - 1, 'administrator', false, 0, now(), now() from person`,
    [guid],
  )
}

/** Puts somebody there whom nobody reserved anything for, as a login does that takes all from claims. */
export async function somebody(pool: Pool, role: Role, profile: Partial<Profile> = {}): Promise<PersonActor> {
  const guid = randomUUID()
  const whole = { username: 'somebody', firstName: '', lastName: '', email: '', externalId: guid, ...profile }
  const command = {
    type: 'RegisterUser',
    origin: 'administrator',
    role,
    defaultRole: 'viewer',
    profile: { basis: 0, fields: changedFields(undefined, whole) },
  } as const
  const context = { actor: { type: 'provider' }, commandId: randomUUID() } as const
  await new Streams(new PostgresEventStore(pool)).handle(userStream, guid, command, context, {
    record: (client) => writeProfile(client, guid, 1, whole),
  })
  return keyOf(guid, role) as PersonActor
}
