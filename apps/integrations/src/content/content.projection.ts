import { projection } from '#libs/event-sourcing'
import type { ContentEvent } from './content.events.js'

/** What each content item is. */
export const contents = projection<ContentEvent>('contents', {
  ContentRegistered: ({ id, data, position, recordedAt }, sql) => sql`
    insert into content
      (guid, position, owner_guid, name, title, description, access_type, app_mode, created_at, updated_at)
    values (${id}, ${position}, ${data.ownerGuid}, ${data.name}, ${data.title}, ${data.description},
      ${data.accessType}, 'unknown', ${recordedAt}, ${recordedAt})`,
  ContentRenamed: ({ id, data, recordedAt }, sql) => sql`
    update content set name = ${data.name}, updated_at = ${recordedAt} where guid = ${id}`,
  ContentDescribed: ({ id, data, recordedAt }, sql) => sql`
    update content set title = ${data.title}, description = ${data.description},
      updated_at = ${recordedAt} where guid = ${id}`,
  AccessTypeChanged: ({ id, data, recordedAt }, sql) => sql`
    update content set access_type = ${data.accessType}, updated_at = ${recordedAt}
    where guid = ${id}`,
  AppModeChanged: ({ id, data, recordedAt }, sql) => sql`
    update content set app_mode = ${data.appMode}, updated_at = ${recordedAt} where guid = ${id}`,
  UpstreamChanged: ({ id, data, recordedAt }, sql) => sql`
    update content set upstream_url = ${data.upstreamUrl}, updated_at = ${recordedAt}
    where guid = ${id}`,
  RuntimeSettingsChanged: ({ id, data, recordedAt }, sql) => sql`
    update content set settings = settings || ${JSON.stringify(data.settings)}::jsonb, updated_at = ${recordedAt}
    where guid = ${id}`,
  ContentLocked: ({ id, data, recordedAt }, sql) => sql`
    update content set locked = true, locked_message = ${data.message}, updated_at = ${recordedAt}
    where guid = ${id}`,
  ContentUnlocked: ({ id, recordedAt }, sql) => sql`
    update content set locked = false, locked_message = '', updated_at = ${recordedAt}
    where guid = ${id}`,
  ContentOwnerChanged: ({ id, data, recordedAt }, sql) => sql`
    update content set owner_guid = ${data.ownerGuid}, updated_at = ${recordedAt}
    where guid = ${id}`,
  ContentDeleted: ({ id }, sql) => sql`
    delete from content where guid = ${id}`,
})

/** Which integrations each content item may use. */
export const associations = projection<ContentEvent>('associations', {
  IntegrationAssociated: ({ id, data, position, recordedAt }, sql) => sql`
    insert into association (content_guid, integration_guid, auth_type, position, created_at)
    values (${id}, ${data.integrationGuid}, ${data.authType}, ${position}, ${recordedAt})
    on conflict do nothing`,
  IntegrationDissociated: ({ id, data }, sql) => sql`
    delete from association where content_guid = ${id} and integration_guid = ${data.integrationGuid}`,
  ContentDeleted: ({ id }, sql) => sql`
    delete from association where content_guid = ${id}`,
})

/** Who beside its owner has access to each content item. */
export const permissions = projection<ContentEvent>('permissions', {
  PermissionGranted: ({ id, data, position, recordedAt }, sql) => sql`
    insert into permission (content_guid, principal_guid, principal_type, role, position, created_at)
    values (${id}, ${data.principalGuid}, ${data.principalType}, ${data.role}, ${position}, ${recordedAt})`,
  PermissionChanged: ({ id, data }, sql) => sql`
    update permission set role = ${data.role} where content_guid = ${id} and principal_guid = ${data.principalGuid}`,
  PermissionRevoked: ({ id, data }, sql) => sql`
    delete from permission where content_guid = ${id} and principal_guid = ${data.principalGuid}`,
  ContentOwnerChanged: ({ id, data }, sql) => sql`
    delete from permission where content_guid = ${id} and principal_guid = ${data.ownerGuid}`,
  ContentDeleted: ({ id }, sql) => sql`
    delete from permission where content_guid = ${id}`,
})

/** Ways into each content item. */
export const shareLinks = projection<ContentEvent>('share_links', {
  ShareLinkCreated: ({ id, data, position, recordedAt }, sql) => sql`
    insert into share_link (guid, content_guid, position, token_hash, expires_at, created_at)
    values (${data.linkGuid}, ${id}, ${position}, ${data.tokenHash}, ${data.expiresAt}, ${recordedAt})`,
  ShareLinkRevoked: ({ data }, sql) => sql`
    delete from share_link where guid = ${data.linkGuid}`,
  ContentDeleted: ({ id }, sql) => sql`
    delete from share_link where content_guid = ${id}`,
})
