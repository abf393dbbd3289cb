import { canonicalPath, routeOf } from './routes.js'

const serviceOf = (path: string): string | undefined => {
  const canonical = canonicalPath(path)
  return canonical && routeOf(canonical)?.service
}

describe('the routes', () => {
  it.each([
    ['/__api__/v1/oauth/integrations/credentials', 'vault'],
    ['/__api__/v1/oauth/integrations', 'integrations'],
    ['/__api__/v1/oauth/integrations/0b1c/associations', 'integrations'],
    ['/__api__/v1/oauth/integrations/credentials/x', 'integrations'],
    ['/__api__/v1/content', 'integrations'],
    ['/__api__/v1/content/0b1c/oauth/integrations/associations', 'integrations'],
    ['/__api__/v1/content/0b1c/bundles', 'integrations'],
    ['/__api__/v1/content/0b1c/bundles/7/download', 'integrations'],
    ['/__api__/v1/content/0b1c/session-token', 'identity'],
    ['/__api__/v1/content/0b1c/vanity', 'integrations'],
    ['/__api__/v1/search/content', 'integrations'],
    ['/__api__/v1/tags', 'integrations'],
    ['/__api__/v1/tags/7/content', 'integrations'],
    ['/__api__/v1/tasks/0b1c', 'integrations'],
    ['/__api__/v1/vanities', 'integrations'],
    ['/__api__/v1/user', 'identity'],
    ['/__api__/v1/users', 'identity'],
    ['/__api__/v1/users/0b1c/keys', 'identity'],
    ['/__api__/v1/groups', 'identity'],
    ['/__api__/v1/groups/0b1c/members/0b1d', 'identity'],
    ['/__api__/v1/audit_logs', 'identity'],
    ['/__api__/v1/audit/actions', 'identity'],
    ['/__api__/v1/search/auditlogs', 'identity'],
    ['/__api__/me', 'identity'],
    ['/__api__/server_settings', 'identity'],
    ['/__api__/server_settings/applications', 'identity'],
    ['/__api__/v1/server_settings/python', 'identity'],
    ['/__api__/v1/timezones', 'identity'],
    ['/__api__/metrics/procs', 'identity'],
    ['/__api__/v1/bootstrap', 'identity'],
    ['/__api__/v1/experimental/bootstrap', 'identity'],
    ['/__login__', 'identity'],
    ['/__login__/callback', 'identity'],
    ['/__logout__', 'identity'],
    ['/__logout__/done', 'identity'],
    ['/__logout__/backchannel', 'identity'],
    ['/.well-known/openid-configuration', 'identity'],
    ['/.well-known/jwks.json', 'identity'],
    ['/__api__/v1/oauth/sessions', 'vault'],
    ['/__api__/v1/oauth/sessions/0b1c', 'vault'],
    ['/__api__/v1/oauth/revocations', 'vault'],
    ['/__oauth__/integrations/callback', 'vault'],
    ['/__oauth__/integrations/callback/0b1c', 'vault'],
    ['/__oauth__/integrations/0b1c/login', 'vault'],
  ])('lead %s to %s', (path, service) => {
    expect(serviceOf(path)).toBe(service)
    expect(serviceOf(`/${path}/`)).toBe(service)
  })

  it.each([
    '/',
    '/__api__',
    '/__api__/v1',
    '/__api__/v1/contents',
    '/__api__/v1/vanities/x',
    '/__api__/v1/search',
    '/__api__/v1/search/content/x',
    '/__api__/metrics',
    '/__api__/me/x',
    '/__api__/v1/userx',
    '/__api__/v1/user/x',
    '/__api__/v2/content',
    '/__API__/v1/content',
    '/__logout__/x',
    '/x/__login__',
    '/internal/actor-assertions',
    '/__api__/../internal/actor-assertions',
    '/__api__/v1/content/%2e%2e/user',
    '/__api__/v1/content/.%2E/user',
    '/__api__/v1/content/..%2fuser',
    '/__api__/v1/content/%5c..',
    '/__api__/v1/content/.',
    '/__api__/v1/content;x/y',
    '/__api__/v1/content/%00',
  ])('D13 lead %s nowhere', (path) => {
    expect(serviceOf(path)).toBeUndefined()
  })

  it('let bodies be large where bundles are uploaded, and nowhere else', () => {
    expect(routeOf('/__api__/v1/content/0b1c/bundles')).toMatchObject({ upload: true })
    for (const path of ['/__api__/v1/content/0b1c', '/__api__/v1/content/bundles', '/__api__/v1/content/a/b/bundles']) {
      expect(routeOf(path)).not.toHaveProperty('upload')
    }
  })

  it('do not let logging out use up what logging in may', () => {
    expect(routeOf('/__login__')?.limited).toBe('attempts')
    expect(routeOf('/__logout__/backchannel')?.limited).toBe('failures')
  })

  it('need cookies only to log in and out, and the bootstrap token only to bootstrap', () => {
    expect(routeOf('/__login__')).toMatchObject({ cookies: true })
    expect(routeOf('/__oauth__/integrations/callback')).not.toHaveProperty('cookies')
    expect(routeOf('/__api__/v1/users')).not.toHaveProperty('bootstrap')
  })
})
