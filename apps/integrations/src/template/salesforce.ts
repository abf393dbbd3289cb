import { defineTemplate } from './define-template.js'
import { endpointAt } from './endpoint-at.js'
import { host } from './fields.js'

/**
 * A Salesforce organization, or the hosts that all organizations log in at. Pages are served under other domains, which
 * are no authorization servers.
 * @see https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_web_server_flow.htm
 * @see https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_revoke_token.htm
 */
export const salesforce = defineTemplate({
  id: 'salesforce',
  displayName: 'Salesforce',
  description: 'Objects and reports of a Salesforce organization.',
  authTypes: { Viewer: { scopes: 'api refresh_token', tokenEndpointAuthMethod: 'client_secret_post' } },
  fields: {
    sf_host_domain: host({
      label: 'Host domain',
      description:
        'The host name of the organization, such as acme.my.salesforce.com; or login.salesforce.com, or test.salesforce.com for a sandbox. Not an address under lightning.force.com.',
      required: true,
      under: ['salesforce.com', 'salesforce.mil'],
    }),
  },
  scopes: { note: 'Without refresh_token viewers are asked again whenever their session there ends.' },
  authorizationServer: ({ sf_host_domain }) => {
    const at = (name: string) => endpointAt(String(sf_host_domain), ['services', 'oauth2', name])
    return {
      authorization_endpoint: at('authorize'),
      token_endpoint: at('token'),
      revocation_endpoint: at('revoke'),
      code_challenge_methods_supported: ['S256'],
    }
  },
  quirks: ['omits_expires_in'],
})
