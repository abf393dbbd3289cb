import { defineTemplate } from './define-template.js'
import { choice, endpoint, flag } from './fields.js'

/**
 * Any authorization server that implements OAuth 2.0, by its endpoints.
 * @see RFC 6749 §3
 */
export const custom = defineTemplate({
  id: 'custom',
  displayName: 'Custom',
  fields: {
    authorization_uri: endpoint(),
    token_uri: endpoint({ required: true }),
    token_endpoint_auth_method: choice(['client_secret_basic', 'client_secret_post'], {
      default: 'client_secret_post',
    }),
    // Accepted for the clients that send it. We send PKCE always: servers ignore what they do not know (RFC 7636 §5).
    use_pkce: flag({ default: true }),
  },
  missing: (config) => (config.auth_type === 'Viewer' && !config.authorization_uri ? ['authorization_uri'] : []),
  resolve: (config) => ({
    authorizationServer: {
      ...(config.authorization_uri ? { authorization_endpoint: String(config.authorization_uri) } : {}),
      token_endpoint: String(config.token_uri),
      code_challenge_methods_supported: ['S256'],
    },
    client: {
      client_id: String(config.client_id),
      scope: String(config.scopes ?? ''),
      token_endpoint_auth_method:
        config.auth_mode === 'Public'
          ? 'none'
          : (config.token_endpoint_auth_method as 'client_secret_basic' | 'client_secret_post'),
    },
    quirks: [],
  }),
})
