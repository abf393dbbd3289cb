import { entraTemplate } from './entra-family.js'

/**
 * SharePoint by way of Microsoft Graph, which needs no site's host; its own API is asked for by its host's scope.
 * @see https://learn.microsoft.com/graph/api/resources/sharepoint
 */
export const sharepoint = entraTemplate(
  {
    id: 'sharepoint',
    displayName: 'SharePoint',
    description: 'Sites, lists and files of SharePoint Online.',
    scopes: {
      note: 'The default is for Microsoft Graph. For the API of a SharePoint host ask for that host, such as https://contoso.sharepoint.com/.default offline_access.',
    },
  },
  'https://graph.microsoft.com',
)
