import { defineTemplate } from './define-template.js'
import { endpointAt } from './endpoint-at.js'
import { host } from './fields.js'

/**
 * A Snowflake account with a security integration of the type OAUTH.
 * @see https://docs.snowflake.com/en/user-guide/oauth-custom
 * @see https://docs.snowflake.com/en/user-guide/oauth-snowflake-overview (single-use refresh tokens)
 */
export const snowflake = defineTemplate({
  id: 'snowflake',
  displayName: 'Snowflake',
  description: 'Warehouses of a Snowflake account.',
  authTypes: { Viewer: { scopes: 'refresh_token', tokenEndpointAuthMethod: 'client_secret_basic' } },
  authModes: ['Confidential'],
  fields: {
    account_url: host({
      label: 'Account URL',
      description: 'The host name of the account, such as myorg-myaccount.snowflakecomputing.com; https:// is dropped.',
      required: true,
      under: ['snowflakecomputing.com', 'snowflakecomputing.cn'],
    }),
  },
  scopes: { note: 'Add session:role:ANALYST to fix the role; otherwise each viewer’s default role counts.' },
  authorizationServer: ({ account_url }) => ({
    authorization_endpoint: endpointAt(String(account_url), ['oauth', 'authorize']),
    token_endpoint: endpointAt(String(account_url), ['oauth', 'token-request']),
    code_challenge_methods_supported: ['S256'],
  }),
  quirks: [
    'refresh_ends_access_token',
    'refresh_token_reuse_ends_grant',
    'single_use_refresh_token',
    'unencoded_basic_credentials',
  ],
})
