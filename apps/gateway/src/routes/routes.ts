import type { ServiceName } from '#libs/contracts'

export interface Route {
  readonly service: Exclude<ServiceName, 'gateway'>
  /** `api`: JSON refusals, no redirect ever. `browser`: pages. */
  readonly audience: 'api' | 'browser'
  /** Whether the service needs the browser's cookies. */
  readonly cookies?: true
  /** Whether `Authorization: Connect-Bootstrap` means anything here. */
  readonly bootstrap?: true
  /** Whether bodies may be large, and are passed on as they come. */
  readonly upload?: true
  /** Whether anybody may ask, so that one address may not ask too often. */
  readonly limited?: 'attempts' | 'failures'
}

/**
 * The whole public surface: which service answers for which path. The first row that fits counts; a last `…` stands
 * for any further segments, none included. Nothing else can be reached from outside.
 */
const ROUTES: readonly (readonly [path: string, route: Route])[] = [
  ['/__api__/v1/oauth/integrations/credentials', { service: 'vault', audience: 'api' }],
  ['/__api__/v1/oauth/sessions/…', { service: 'vault', audience: 'api' }],
  ['/__api__/v1/oauth/revocations/…', { service: 'vault', audience: 'api' }],
  ['/__api__/v1/oauth/…', { service: 'integrations', audience: 'api' }],
  ['/__api__/v1/content/[^/]+/bundles', { service: 'integrations', audience: 'api', upload: true }],
  ['/__api__/v1/content/[^/]+/session-token', { service: 'identity', audience: 'api' }],
  ['/__api__/v1/content/…', { service: 'integrations', audience: 'api' }],
  ['/__api__/v1/search/content', { service: 'integrations', audience: 'api' }],
  ['/__api__/v1/tags/…', { service: 'integrations', audience: 'api' }],
  ['/__api__/v1/tasks/…', { service: 'integrations', audience: 'api' }],
  ['/__api__/v1/vanities', { service: 'integrations', audience: 'api' }],
  ['/__api__/v1/user', { service: 'identity', audience: 'api' }],
  ['/__api__/v1/users/…', { service: 'identity', audience: 'api' }],
  ['/__api__/v1/groups/…', { service: 'identity', audience: 'api' }],
  ['/__api__/v1/audit_logs', { service: 'identity', audience: 'api' }],
  ['/__api__/v1/audit/actions', { service: 'identity', audience: 'api' }],
  ['/__api__/v1/search/auditlogs', { service: 'identity', audience: 'api' }],
  ['/__api__/me', { service: 'identity', audience: 'api' }],
  ['/__api__/server_settings/…', { service: 'identity', audience: 'api' }],
  ['/__api__/v1/server_settings/…', { service: 'identity', audience: 'api' }],
  ['/__api__/v1/timezones', { service: 'identity', audience: 'api' }],
  ['/__api__/metrics/procs', { service: 'identity', audience: 'api' }],
  ['/__api__/v1/bootstrap', { service: 'identity', audience: 'api', bootstrap: true }],
  ['/__api__/v1/experimental/bootstrap', { service: 'identity', audience: 'api', bootstrap: true }],
  ['/__login__', { service: 'identity', audience: 'browser', cookies: true, limited: 'attempts' }],
  ['/__login__/…', { service: 'identity', audience: 'browser', cookies: true }],
  ['/__logout__', { service: 'identity', audience: 'browser', cookies: true }],
  ['/__logout__/done', { service: 'identity', audience: 'browser', cookies: true }],
  ['/__logout__/backchannel', { service: 'identity', audience: 'api', limited: 'failures' }],
  ['/\\.well-known/openid-configuration', { service: 'identity', audience: 'api' }],
  ['/\\.well-known/jwks\\.json', { service: 'identity', audience: 'api' }],
  ['/__oauth__/…', { service: 'vault', audience: 'browser' }],
]

const COMPILED = ROUTES.map(([path, route]) => ({ pattern: patternOf(path), route }))

/** The route of a path in its canonical form. */
export const routeOf = (path: string): Route | undefined => COMPILED.find(({ pattern }) => pattern.test(path))?.route

/**
 * One form for what clients write in several: double and trailing slashes are forgiven. `undefined` for a path whose
 * segments could mean another path to somebody (dots, encoded slashes): such a path has no route.
 */
export function canonicalPath(path: string): string | undefined {
  const canonical = path.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '')
  if (/%(?:2f|5c|00|2e)|;/i.test(canonical)) return undefined
  return canonical.split('/').some((segment) => segment === '.' || segment === '..') ? undefined : canonical
}

function patternOf(path: string): RegExp {
  return new RegExp(path.endsWith('/…') ? `^${path.slice(0, -2)}(?:/.*)?$` : `^${path}$`)
}
