import type { Quirk } from '#libs/contracts'
import { defineTemplate } from './define-template.js'
import { choice, endpoint, flag } from './fields.js'
import type { Config } from './template.js'
import { when } from './visibility.js'

/** What becomes of a refresh token that was traded for another one. */
const REUSE: Readonly<Record<string, Quirk>> = {
  allowed: 'refresh_token_reuse_allowed',
  grace: 'refresh_token_reuse_in_grace',
  refused: 'single_use_refresh_token',
  ends_grant: 'refresh_token_reuse_ends_grant',
}

/** What we put into every authorization request. */
const SENT = [
  'response_type',
  'client_id',
  'redirect_uri',
  'scope',
  'state',
  'code_challenge',
  'code_challenge_method',
] as const

const application = {
  scopes: '',
  tokenEndpointAuthMethod: (config: Config) =>
    config.token_endpoint_auth_method === 'client_secret_basic' ? 'client_secret_basic' : 'client_secret_post',
} as const

/**
 * Any authorization server that implements OAuth 2.0, by its endpoints.
 * @see RFC 6749 §3
 */
export const custom = defineTemplate({
  id: 'custom',
  displayName: 'Custom',
  description: 'Any system that implements OAuth 2.0, by its two endpoints.',
  authTypes: { Viewer: application, 'Service Account': application },
  fields: {
    authorization_uri: endpoint({
      label: 'Authorization endpoint',
      description: 'Where viewers are sent to consent. Query parameters that it has are kept.',
      required: true,
      visible: when('auth_type', 'Viewer'),
      reserved: SENT,
    }),
    token_uri: endpoint({ label: 'Token endpoint', description: 'Where tokens are asked for.', required: true }),
    revocation_uri: endpoint({
      label: 'Revocation endpoint',
      description: 'Where the system is told that a token is no longer wanted (RFC 7009). Without it nobody is told.',
    }),
    issuer: endpoint({
      label: 'Issuer',
      literal: true,
      description:
        'What the system calls itself in its metadata (RFC 8414), to the letter. With it, an answer that names another issuer is refused (RFC 9207).',
      visible: when('auth_type', 'Viewer'),
    }),
    names_issuer: flag({
      label: 'Issuer in every answer',
      description:
        'The metadata says authorization_response_iss_parameter_supported: an answer that names no issuer is refused.',
      visible: when('auth_type', 'Viewer'),
    }),
    token_endpoint_auth_method: choice(['client_secret_basic', 'client_secret_post'], {
      label: 'Client authentication',
      description: 'Whether the client secret goes into a header (HTTP Basic) or into the body of token requests.',
      default: 'client_secret_post',
    }),
    // Accepted for the clients that send it. We send PKCE always: servers ignore what they do not know (RFC 7636 §5).
    use_pkce: flag({
      label: 'PKCE',
      description: 'Proof Key for Code Exchange (RFC 7636). It is used always; servers without it pass over it.',
      default: true,
    }),
    refresh_token_reuse: choice(['allowed', 'grace', 'refused', 'ends_grant'], {
      label: 'Used refresh tokens',
      description:
        'What becomes of a refresh token that was used: it stays good (allowed), for a while (grace), is refused, or its second use ends the whole grant. If unsure leave it empty.',
      visible: when('auth_type', 'Viewer'),
    }),
  },
  authorizationServer: (config) => ({
    ...(config.authorization_uri ? { authorization_endpoint: String(config.authorization_uri) } : {}),
    token_endpoint: String(config.token_uri),
    ...(config.revocation_uri ? { revocation_endpoint: String(config.revocation_uri) } : {}),
    ...(config.issuer ? { issuer: String(config.issuer) } : {}),
    ...(config.names_issuer === true && { authorization_response_iss_parameter_supported: true }),
    code_challenge_methods_supported: ['S256'],
  }),
  quirks: ({ refresh_token_reuse: reuse }) => (reuse === undefined ? [] : [REUSE[String(reuse)]!]),
})
