import { googleTemplate, scope } from './google-family.js'

/** @see https://cloud.google.com/bigquery/docs/authorization */
export const bigquery = googleTemplate(
  { id: 'bigquery', displayName: 'BigQuery', description: 'Queries and data sets of BigQuery.' },
  scope('bigquery'),
)
