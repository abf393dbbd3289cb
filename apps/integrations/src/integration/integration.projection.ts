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
  IntegrationDeleted: ({ id }, sql) => sql`
    delete from integration where guid = ${id}`,
})
