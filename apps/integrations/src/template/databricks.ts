import { defineTemplate } from './define-template.js'
import { endpointAt } from './endpoint-at.js'
import { host } from './fields.js'

/**
 * Databricks as its own issuer, at the level of a workspace. Its tools send the credentials of a viewer's request in the
 * body and those of a service principal by HTTP Basic.
 * @see https://docs.databricks.com/aws/en/dev-tools/auth/oauth-u2m (viewer), …/oauth-m2m (service account)
 * @see https://github.com/databricks/databricks-sdk-py/blob/main/databricks/sdk/environments.py (hosts)
 * @see https://docs.databricks.com/aws/en/integrations/single-use-tokens
 */
export const databricks = defineTemplate({
  id: 'databricks',
  displayName: 'Databricks',
  description: 'A workspace whose tokens Databricks itself issues. For those of Microsoft Entra ID choose Azure.',
  authTypes: {
    Viewer: { scopes: 'all-apis offline_access', tokenEndpointAuthMethod: 'client_secret_post' },
    'Service Account': { scopes: 'all-apis', tokenEndpointAuthMethod: 'client_secret_basic' },
  },
  fields: {
    workspace_host: host({
      label: 'Workspace host',
      description: 'The host name of the workspace, such as cust-success.cloud.databricks.com.',
      required: true,
      wrongNames: ['workspace_hostname', 'workspace_url', 'host'],
      under: [
        'cloud.databricks.com',
        'cloud.databricks.us',
        'azuredatabricks.net',
        'databricks.azure.us',
        'databricks.azure.cn',
        'gcp.databricks.com',
      ],
    }),
  },
  authorizationServer: ({ workspace_host }) => ({
    issuer: endpointAt(String(workspace_host), ['oidc']),
    authorization_endpoint: endpointAt(String(workspace_host), ['oidc', 'v1', 'authorize']),
    token_endpoint: endpointAt(String(workspace_host), ['oidc', 'v1', 'token']),
    code_challenge_methods_supported: ['S256'],
  }),
  quirks: ['error_code_and_summary', 'single_use_refresh_token', 'unencoded_basic_credentials'],
})
