import { entraTemplate } from './entra-family.js'

/**
 * Microsoft Graph: mail, calendars, files, people.
 * @see https://learn.microsoft.com/graph/auth-v2-user
 */
export const msgraph = entraTemplate(
  {
    id: 'msgraph',
    displayName: 'Microsoft Graph',
    description: 'Mail, calendars, files and people of Microsoft 365.',
    scopes: { note: 'The default asks for every permission that the application has been given.' },
  },
  'https://graph.microsoft.com',
)
