import { projection } from '#libs/event-sourcing'
import type { ApiKeyEvent } from './api-key.events.js'

/** Which API keys there are. What they are checked with is in `record.api_key_hash`. */
export const apiKeys = projection<ApiKeyEvent>('api_keys', {
  ApiKeyCreated: ({ id, data, position, recordedAt }, sql) => sql`
    insert into api_key (guid, position, user_guid, name, role, expires_at, content_guid, created_at)
    values (${id}, ${position}, ${data.userGuid}, ${data.name}, ${data.role}, ${data.expiresAt}, ${data.contentGuid},
      ${recordedAt})`,
  ApiKeyDeleted: ({ id }, sql) => sql`
    delete from api_key where guid = ${id}`,
})
