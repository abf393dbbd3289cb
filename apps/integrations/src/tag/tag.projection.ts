import { projection } from '#libs/event-sourcing'
import type { TagEvent } from './tag.events.js'

/** The tree of tags. */
export const tags = projection<TagEvent>('tags', {
  TagAdded: ({ data, position, recordedAt }, sql) => sql`
    insert into tag (guid, position, parent_guid, name, created_at, updated_at)
    values (${data.tagGuid}, ${position}, ${data.parentGuid}, ${data.name}, ${recordedAt}, ${recordedAt})`,
  TagRenamed: ({ data, recordedAt }, sql) => sql`
    update tag set name = ${data.name}, updated_at = ${recordedAt} where guid = ${data.tagGuid}`,
  TagMoved: ({ data, recordedAt }, sql) => sql`
    update tag set parent_guid = ${data.parentGuid}, updated_at = ${recordedAt} where guid = ${data.tagGuid}`,
  TagsRemoved: ({ data }, sql) => sql`
    delete from tag where guid = any(${data.tagGuids}::uuid[])`,
})
