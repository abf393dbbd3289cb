import { projection } from '#libs/event-sourcing'
import type { UserEvent } from './user.events.js'

/** What each person may do. Names and addresses are in `record.profile`. */
export const persons = projection<UserEvent>('persons', {
  UserRegistered: ({ id, position, recordedAt }, sql) => sql`
    insert into person (guid, position, role, locked, profile_version, created_at, updated_at)
    values (${id}, ${position}, 'viewer', false, 0, ${recordedAt}, ${recordedAt})`,
  ProfileChanged: ({ id, data, recordedAt }, sql) => sql`
    update person set profile_version = ${data.profileVersion}, updated_at = ${recordedAt} where guid = ${id}`,
  RoleAssigned: ({ id, data, recordedAt }, sql) => sql`
    update person set role = ${data.role}, updated_at = ${recordedAt} where guid = ${id}`,
  SessionBegun: ({ id, recordedAt }, sql) => sql`
    update person set active_at = ${recordedAt} where guid = ${id}`,
  UserLocked: ({ id, recordedAt }, sql) => sql`
    update person set locked = true, updated_at = ${recordedAt} where guid = ${id}`,
  UserUnlocked: ({ id, recordedAt }, sql) => sql`
    update person set locked = false, updated_at = ${recordedAt} where guid = ${id}`,
  UserDeleted: ({ id }, sql) => sql`
    delete from person where guid = ${id}`,
})

/** Who is in which group; whether the group still lives is asked where this is read. */
export const memberships = projection<UserEvent>('memberships', {
  MembershipsChanged: ({ id, data, position }, sql) => sql`
    with gone as (
      delete from membership where user_guid = ${id} and group_guid = any(${data.removed}::uuid[])
    )
    insert into membership (user_guid, group_guid, since_position)
    select ${id}, group_guid, ${position} from unnest(${data.added}::uuid[]) as added (group_guid)`,
  UserDeleted: ({ id }, sql) => sql`
    delete from membership where user_guid = ${id}`,
})

/** The browser sessions that have not been ended; whether their time is over is asked where this is read. */
export const sessions = projection<UserEvent>('sessions', {
  SessionBegun: ({ id, data, position }, sql) => sql`
    insert into session (sid, user_guid, expires_at, position)
    values (${data.sid}, ${id}, ${data.expiresAt}, ${position})`,
  SessionEnded: ({ data }, sql) => sql`
    delete from session where sid = ${data.sid}`,
  UserLocked: ({ id }, sql) => sql`
    delete from session where user_guid = ${id}`,
  UserDeleted: ({ id }, sql) => sql`
    delete from session where user_guid = ${id}`,
})
