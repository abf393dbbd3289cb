import { projection } from '#libs/event-sourcing'
import type { GroupEvent } from './group.events.js'

/** Which groups there are. */
export const groups = projection<GroupEvent>(
  'groups',
  {
    GroupCreated: ({ id, data, position, recordedAt }, sql) => sql`
    insert into user_group (guid, position, name, owner_guid, unique_id, created_at)
    values (${id}, ${position}, ${data.name}, ${data.ownerGuid}, ${data.uniqueId}, ${recordedAt})`,
    GroupRenamed: ({ id, data }, sql) => sql`
    update user_group set name = ${data.name} where guid = ${id}`,
    GroupOwnerChanged: ({ id, data }, sql) => sql`
    update user_group set owner_guid = ${data.ownerGuid} where guid = ${id}`,
    GroupUniqueIdChanged: ({ id, data }, sql) => sql`
    update user_group set unique_id = ${data.uniqueId} where guid = ${id}`,
    GroupDeleted: ({ id }, sql) => sql`
    delete from user_group where guid = ${id}`,
  },
  {
    GroupCreated: (events, sql) => sql`
    insert into user_group (guid, position, name, owner_guid, unique_id, created_at)
    select * from unnest(
      ${events.map(({ id }) => id)}::uuid[], ${events.map(({ position }) => position)}::bigint[],
      ${events.map(({ data }) => data.name)}::text[], ${events.map(({ data }) => data.ownerGuid)}::uuid[],
      ${events.map(({ data }) => data.uniqueId)}::text[], ${events.map(({ recordedAt }) => recordedAt)}::timestamptz[])`,
  },
)
