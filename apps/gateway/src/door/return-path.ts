const LONGEST = 2000

/**
 * A path of this server that a browser may be sent back to; anything else becomes `/`. It must mean the same to us and
 * to a browser, which takes `//host` and `/\host` for another origin.
 */
export function returnPath(path: string): string {
  if (path.length > LONGEST || !/^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(path)) return '/'
  const parsed = URL.parse(path, 'http://this.invalid')
  return parsed?.origin === 'http://this.invalid' ? path : '/'
}

/** Where a visitor logs in, to come back to `path` afterwards. */
export const loginPath = (path: string): string => `/__login__?return_to=${encodeURIComponent(returnPath(path))}`

/** Where a visitor consents to an integration, to come back to `path` afterwards. */
export const consentPath = (integrationGuid: string, path: string): string =>
  `/__oauth__/integrations/${integrationGuid}/login?return_to=${encodeURIComponent(returnPath(path))}`
