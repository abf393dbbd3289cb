import { localPath } from '#libs/service'

/** Where a visitor logs in, to come back to `path` afterwards. */
export const loginPath = (path: string): string => `/__login__?return_to=${encodeURIComponent(localPath(path))}`

/** Where a visitor consents to an integration, to come back to `path` afterwards. */
export const consentPath = (integrationGuid: string, path: string): string =>
  `/__oauth__/integrations/${integrationGuid}/login?return_to=${encodeURIComponent(localPath(path))}`
