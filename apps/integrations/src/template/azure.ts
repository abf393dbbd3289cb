import { entraTemplate } from './entra-family.js'

/** The application ID of Azure Databricks, the same in every cloud. */
const DATABRICKS = '2ff814a6-3304-4ab8-85cb-cd0e6f879c1d'

/**
 * Microsoft Entra ID for any service that takes its tokens, Azure Databricks unless the form names another.
 * @see https://learn.microsoft.com/azure/databricks/dev-tools/app-aad-token
 */
export const azure = entraTemplate(
  {
    id: 'azure',
    displayName: 'Azure',
    description: 'Services that take tokens of Microsoft Entra ID, such as Azure Databricks.',
    scopes: {
      note: `For Azure Databricks leave this as it is: ${DATABRICKS}/.default stands for the permission AzureDatabricks/user_impersonation and must not be changed. For a service account it is the service’s /.default alone.`,
      pattern: `^(?!.*${DATABRICKS}/(?!\\.default(?: |$)))[!#-\\[\\]-~ ]*$`,
      must: `names of scopes with spaces between them; ${DATABRICKS}/.default must not be changed`,
    },
  },
  DATABRICKS,
)
