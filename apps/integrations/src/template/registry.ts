import { DomainError } from '#libs/contracts'
import { aws } from './aws.js'
import { azureOpenAi } from './azure-openai.js'
import { azure } from './azure.js'
import { bigquery } from './bigquery.js'
import { connect } from './connect.js'
import { custom } from './custom.js'
import { databricks } from './databricks.js'
import { drive } from './drive.js'
import { github } from './github.js'
import { google } from './google.js'
import { msgraph } from './msgraph.js'
import { salesforce } from './salesforce.js'
import { sharepoint } from './sharepoint.js'
import { sheets } from './sheets.js'
import { snowflake } from './snowflake.js'
import type { Template } from './template.js'
import { vertexAi } from './vertex-ai.js'

/** Every template, in the order in which they are offered. */
export const TEMPLATES: readonly Template[] = [
  ...[aws, azure, azureOpenAi, bigquery, connect, custom, databricks, drive, github, google, msgraph],
  ...[salesforce, sharepoint, sheets, snowflake, vertexAi],
]

/** What there was before there were templates: integrations that name none are of this one. */
export const OLDEST_TEMPLATE: Template = azure

const BY_ID: ReadonlyMap<string, Template> = new Map(TEMPLATES.map((template) => [template.id, template]))

/** @throws DomainError `template.not_found` */
export function templateById(id: string): Template {
  const template = BY_ID.get(id)
  if (!template) {
    const known = [...BY_ID.keys()].join(', ')
    throw new DomainError('not_found', 'template.not_found', `There is no such template. Templates: ${known}.`)
  }
  return template
}
