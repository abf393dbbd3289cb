import type { AuthorizationServer } from '#libs/contracts'
import { defineTemplate } from './define-template.js'
import { endpointAt } from './endpoint-at.js'
import { host, text } from './fields.js'
import type { Config, Template, TemplateDefinition } from './template.js'

const GUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i

/**
 * What is the same for every service that Microsoft Entra ID issues tokens for. All scopes of a token request must be of
 * one resource; a service account asks for `<resource>/.default` and nothing beside it.
 * @see https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
 * @see https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 */
export const entraTemplate = (
  definition: Pick<TemplateDefinition, 'id' | 'displayName' | 'description' | 'scopes'>,
  resource: string,
): Template =>
  defineTemplate({
    ...definition,
    guide: 'azure',
    authTypes: {
      Viewer: { scopes: `${resource}/.default offline_access`, tokenEndpointAuthMethod: 'client_secret_post' },
      'Service Account': { scopes: `${resource}/.default`, tokenEndpointAuthMethod: 'client_secret_post' },
    },
    fields: {
      tenant_id: text({
        label: 'Tenant ID',
        description: 'The organization’s identifier in Microsoft Entra ID ("Directory (tenant) ID").',
        required: true,
        pattern: '^(?!(?:\\.{1,2}|common|organizations|consumers)$)[^\\s/?#\\\\%]{1,253}$',
        must: 'the identifier of one tenant',
        wrongNames: ['tenant', 'directory_id'],
      }),
      // https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud
      authority_host: host({
        label: 'Authority',
        description: 'Only in a national cloud: login.microsoftonline.us or login.chinacloudapi.cn. Otherwise empty.',
        under: [AUTHORITY, 'login.microsoftonline.us', 'login.chinacloudapi.cn', 'login.partner.microsoftonline.cn'],
      }),
    },
    authorizationServer,
    // https://learn.microsoft.com/entra/identity-platform/refresh-tokens (a new one each time, the old one stays good)
    quirks: ['refresh_token_reuse_allowed'],
  })

const AUTHORITY = 'login.microsoftonline.com'

function authorizationServer(config: Config): AuthorizationServer {
  const tenant = String(config.tenant_id)
  const at = (path: readonly string[], query?: Record<string, string>) =>
    endpointAt(String(config.authority_host ?? AUTHORITY), [tenant, ...path], query)
  return {
    // A tenant that is given by its domain has its GUID in the issuer all the same.
    ...(GUID.test(tenant) && { issuer: at(['v2.0']) }),
    authorization_endpoint: at(['oauth2', 'v2.0', 'authorize'], { response_mode: 'query' }),
    token_endpoint: at(['oauth2', 'v2.0', 'token']),
    code_challenge_methods_supported: ['S256'],
  }
}
