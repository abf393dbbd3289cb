import { integrationContract, type AuthType, type IntegrationState } from '#libs/contracts'
import { publishedSource } from '#libs/messaging'
import { templateById } from '../template/registry.js'
import type { Config } from '../template/template.js'

interface IntegrationRow {
  guid: string
  name: string | null
  template: string
  auth_type: AuthType
  config: Config
  client_secret_reference: string | null
  user_guids: string[]
  group_guids: string[]
}

/** An integration's public face: its template already resolved to the terms of RFC 8414 and RFC 7591. */
export const publishedIntegration = publishedSource<IntegrationState, IntegrationRow>(
  integrationContract,
  `select guid, name, template, auth_type, config, client_secret_reference,
     array(select user_guid from integration_permission
       where integration_guid = $1 and user_guid is not null order by position) as user_guids,
     array(select group_guid from integration_permission
       where integration_guid = $1 and group_guid is not null order by position) as group_guids
   from integration where guid = $1`,
  ({ guid, name, template, auth_type, config, client_secret_reference, user_guids, group_guids }) => {
    const { authorizationServer, client, quirks, issues } = templateById(template).resolve(config)
    return {
      guid,
      name,
      auth_type,
      authorization_server: authorizationServer,
      client: client && { ...client, client_secret_reference },
      quirks: [...quirks],
      ...(issues && { issues }),
      access: { user_guids, group_guids },
    }
  },
)
