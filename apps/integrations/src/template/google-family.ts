import { defineTemplate } from './define-template.js'
import { endpointAt } from './endpoint-at.js'
import type { Template, TemplateDefinition } from './template.js'

const ACCOUNTS = 'accounts.google.com'
const OAUTH = 'oauth2.googleapis.com'

/**
 * What is the same for every API of Google. A refresh token comes with `access_type=offline` only, and after the first
 * consent with `prompt=consent` only; viewers are sent there when no usable grant of theirs is held.
 * @see https://developers.google.com/identity/protocols/oauth2/web-server
 * @see https://accounts.google.com/.well-known/openid-configuration (endpoints)
 */
export const googleTemplate = (
  definition: Pick<TemplateDefinition, 'id' | 'displayName' | 'description' | 'scopes'>,
  scopes: string,
): Template =>
  defineTemplate({
    ...definition,
    guide: 'google',
    authTypes: { Viewer: { scopes, tokenEndpointAuthMethod: 'client_secret_post' } },
    authModes: ['Confidential'],
    authorizationServer: () => ({
      issuer: new URL(endpointAt(ACCOUNTS, ['x'])).origin,
      authorization_endpoint: endpointAt(ACCOUNTS, ['o', 'oauth2', 'v2', 'auth'], {
        access_type: 'offline',
        prompt: 'consent',
      }),
      token_endpoint: endpointAt(OAUTH, ['token']),
      revocation_endpoint: endpointAt(OAUTH, ['revoke']),
      code_challenge_methods_supported: ['S256'],
    }),
    quirks: ['refresh_token_reuse_allowed'],
  })

/** The address of a scope by its short name. @see https://developers.google.com/identity/protocols/oauth2/scopes */
export const scope = (name: string): string => endpointAt('www.googleapis.com', ['auth', name])
