import { defineTemplate } from './define-template.js'
import { endpointAt } from './endpoint-at.js'
import { host } from './fields.js'

/**
 * OAuth apps and GitHub Apps, which share their endpoints. The latter have permissions and pass over scopes.
 * @see https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
 * @see https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens
 * @see https://docs.github.com/rest/apps/oauth-applications#delete-an-app-token
 */
export const github = defineTemplate({
  id: 'github',
  displayName: 'GitHub',
  description: 'Repositories and everything else behind the API of GitHub.',
  authTypes: { Viewer: { scopes: '', tokenEndpointAuthMethod: 'client_secret_post' } },
  authModes: ['Confidential'],
  fields: {
    github_host: host({
      label: 'Server',
      description: 'The host name of a GitHub Enterprise Server. Empty for github.com.',
    }),
  },
  scopes: { note: 'A GitHub App needs none: its permissions count.' },
  authorizationServer: ({ github_host = 'github.com', client_id }) => {
    const server = String(github_host)
    const application = ['applications', String(client_id), 'token']
    return {
      authorization_endpoint: endpointAt(server, ['login', 'oauth', 'authorize']),
      token_endpoint: endpointAt(server, ['login', 'oauth', 'access_token']),
      revocation_endpoint:
        server === 'github.com'
          ? endpointAt('api.github.com', application)
          : endpointAt(server, ['api', 'v3', ...application]),
      code_challenge_methods_supported: ['S256'],
    }
  },
  quirks: [
    'comma_separated_scope',
    'errors_with_status_200',
    'refresh_ends_access_token',
    'revocation_by_delete',
    'single_use_refresh_token',
  ],
})
