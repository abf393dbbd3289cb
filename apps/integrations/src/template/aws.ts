import { REQUESTED_TOKEN_TYPE } from '#libs/contracts'
import { defineTemplate } from './define-template.js'
import { endpointAt } from './endpoint-at.js'
import { choice, endpoint, text } from './fields.js'
import { when } from './visibility.js'

/** For whom an ID token is unless the role's trust policy says otherwise, as AWS's own tools have it. */
const AUDIENCE = 'sts.amazonaws.com'

const viewer = { visible: when('auth_type', 'Viewer') }

/**
 * Temporary keys of a role: an ID token, of the viewer at an OpenID provider or of this server for a service account, is
 * traded for them at the Security Token Service.
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
 */
export const aws = defineTemplate({
  id: 'aws',
  displayName: 'Amazon Web Services',
  description: 'Temporary keys of an IAM role, for any service of AWS.',
  authTypes: {
    Viewer: {
      scopes: 'openid offline_access',
      tokenEndpointAuthMethod: ({ token_endpoint_auth_method }) =>
        token_endpoint_auth_method === 'client_secret_basic' ? 'client_secret_basic' : 'client_secret_post',
    },
    'Service Account': null,
  },
  fields: {
    role_arn: text({
      label: 'Role ARN',
      description: 'The role whose keys content gets. Its trust policy names the issuer of the ID token.',
      required: true,
      pattern: '^arn:aws(?:-cn|-us-gov)?:iam::\\d{12}:role/[\\w+=,.@/-]{1,512}$',
      must: 'the ARN of a role, such as arn:aws:iam::123456789012:role/analyst',
    }),
    region: text({
      label: 'Region',
      description: 'Whose Security Token Service is asked, such as eu-west-1. Empty for the global one.',
      pattern: '^[a-z]{2}(?:-[a-z]+)+-\\d$',
      must: 'the name of a region, such as eu-west-1',
    }),
    issuer: endpoint({
      ...{ label: 'Issuer', literal: true, required: true, ...viewer },
      description: 'Of the OpenID provider that viewers log in at; its ID tokens are verified here, too.',
    }),
    authorization_uri: endpoint({
      ...{ label: 'Authorization endpoint', description: 'Of that OpenID provider.', required: true, ...viewer },
    }),
    token_uri: endpoint({ label: 'Token endpoint', description: 'Of that provider.', required: true, ...viewer }),
    token_endpoint_auth_method: choice(['client_secret_basic', 'client_secret_post'], {
      ...{ label: 'Client authentication', description: 'Whether the secret goes into a header or into the body.' },
      ...{ default: 'client_secret_post', ...viewer },
    }),
    audience: text({
      label: 'Audience',
      description: 'For whom this server’s ID tokens are: an audience of the identity provider in IAM.',
      visible: when('auth_type', 'Service Account'),
      default: AUDIENCE,
      pattern: '^\\S{1,255}$',
      must: 'a name without spaces, such as sts.amazonaws.com',
    }),
  },
  authorizationServer: ({ auth_type, issuer, authorization_uri, token_uri }) =>
    auth_type === 'Service Account'
      ? null
      : {
          // Integrations that are older than the question need not have it.
          ...(issuer !== undefined && { issuer: String(issuer) }),
          authorization_endpoint: String(authorization_uri),
          token_endpoint: String(token_uri),
          code_challenge_methods_supported: ['S256'],
        },
  issues: ({ auth_type, role_arn, region, audience }) => ({
    type: REQUESTED_TOKEN_TYPE.temporaryCredentials,
    endpoint: endpointAt(tokenService(String(role_arn), region && String(region)), []),
    parameters: { Action: 'AssumeRoleWithWebIdentity', Version: '2011-06-15', RoleArn: String(role_arn) },
    ...(auth_type === 'Service Account' && { audience: String(audience ?? AUDIENCE) }),
  }),
})

/** @see https://docs.aws.amazon.com/general/latest/gr/sts.html */
function tokenService(roleArn: string, region: string | false | undefined): string {
  if (roleArn.startsWith('arn:aws-cn:')) return `sts.${region || 'cn-north-1'}.amazonaws.com.cn`
  if (roleArn.startsWith('arn:aws-us-gov:')) return `sts.${region || 'us-gov-west-1'}.amazonaws.com`
  return region ? `sts.${region}.amazonaws.com` : 'sts.amazonaws.com'
}
