import { googleTemplate, scope } from './google-family.js'

/** @see https://developers.google.com/workspace/sheets/api/scopes */
export const sheets = googleTemplate(
  { id: 'sheets', displayName: 'Google Sheets', description: 'Spreadsheets of Google Sheets.' },
  scope('spreadsheets'),
)
