import { projection } from '#libs/event-sourcing'
import type { IntegrationEvent } from './integration.events.js'

/** The configured OAuth clients, without their secrets. */
export const integrations = projection<IntegrationEvent>('integrations', {
  IntegrationCreated: ({ id, data, position, recordedAt }, sql) => sql`
    insert into integration
      (guid, position, template, auth_type, name, description, config, client_secret_reference,
       created_at, updated_at)
    values (${id}, ${position}, ${data.template}, ${data.authType}, ${data.name}, ${data.description},
      ${JSON.stringify(data.config)}, ${data.clientSecretReference}, ${recordedAt}, ${recordedAt})`,
  IntegrationDescribed: ({ id, data, recordedAt }, sql) => sql`
    update integration set name = ${data.name}, description = ${data.description}, updated_at = ${recordedAt}
    where guid = ${id}`,
  IntegrationConfigured: ({ id, data, recordedAt }, sql) => sql`
    update integration set config = ${JSON.stringify(data.config)}, updated_at = ${recordedAt} where guid = ${id}`,
  ClientSecretReplaced: ({ id, data, recordedAt }, sql) => sql`
    update integration set client_secret_reference = ${data.clientSecretReference}, updated_at = ${recordedAt}
    where guid = ${id}`,
  IntegrationAccessGranted: ({ id, recordedAt }, sql) => sql`
    update integration set updated_at = ${recordedAt} where guid = ${id}`,
  IntegrationAccessWithdrawn: ({ id, recordedAt }, sql) => sql`
    update integration set updated_at = ${recordedAt} where guid = ${id}`,
  IntegrationDeleted: ({ id }, sql) => sql`
    delete from integration where guid = ${id}`,
})

/** Who may use an integration, where not everybody who publishes may. */
export const accessLists = projection<IntegrationEvent>('access lists', {
  IntegrationAccessGranted: ({ id, data, position }, sql) => sql`
    insert into integration_permission (guid, integration_guid, position, user_guid, group_guid)
    values (${data.permissionGuid}, ${id}, ${position}, ${data.userGuid}, ${data.groupGuid})`,
  IntegrationAccessWithdrawn: ({ data }, sql) => sql`
    delete from integration_permission where guid = ${data.permissionGuid}`,
  IntegrationDeleted: ({ id }, sql) => sql`
    delete from integration_permission where integration_guid = ${id}`,
})
