import { projection } from '#libs/event-sourcing'
import type { GroupEvent } from './group.events.js'

/** Which groups there are. */
export const groups = projection<GroupEvent>('groups', {
  GroupCreated: ({ id, data, position, recordedAt }, sql) => sql`
    insert into user_group (guid, position, name, created_at)
    values (${id}, ${position}, ${data.name}, ${recordedAt})`,
})
