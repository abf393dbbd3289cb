import { googleTemplate, scope } from './google-family.js'

/** @see https://developers.google.com/workspace/drive/api/guides/api-specific-auth */
export const drive = googleTemplate(
  { id: 'drive', displayName: 'Google Drive', description: 'Files of Google Drive, to be read.' },
  scope('drive.readonly'),
)
