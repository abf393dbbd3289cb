import { googleTemplate } from './google-family.js'

/**
 * Any API of Google by its scopes; until they are named, a token that says who the viewer is and nothing more.
 * @see https://developers.google.com/identity/protocols/oauth2/scopes
 */
export const google = googleTemplate(
  {
    id: 'google',
    displayName: 'Google',
    description: 'Any API of Google, by its scopes. BigQuery, Drive, Sheets and Vertex AI have templates of their own.',
    scopes: { note: 'The default says who the viewer is; name the scopes of the APIs that content calls.' },
  },
  'openid email profile',
)
