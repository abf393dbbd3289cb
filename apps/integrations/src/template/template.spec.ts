import type { Secret } from '#libs/contracts'
import { authorizationRequest } from '#libs/oauth'
import { azure } from './azure.js'
import { bigquery } from './bigquery.js'
import { connect } from './connect.js'
import { custom } from './custom.js'
import { databricks } from './databricks.js'
import { endpointAt } from './endpoint-at.js'
import { github } from './github.js'
import { google } from './google.js'
import { TEMPLATES } from './registry.js'
import { salesforce } from './salesforce.js'
import { snowflake } from './snowflake.js'
import type { Template } from './template.js'

const TENANT = '8e1f2ab0-3c4d-4e5f-8a9b-0c1d2e3f4a5b'
const DATABRICKS = '2ff814a6-3304-4ab8-85cb-cd0e6f879c1d'

const client = { client_id: 'app', client_secret: 'hush' }
const OWN: Readonly<Record<string, Record<string, string>>> = {
  azure: { tenant_id: TENANT },
  custom: { authorization_uri: 'https://acme.example/authorize', token_uri: 'https://acme.example/token' },
  databricks: { workspace_host: 'cust-success.cloud.databricks.com' },
  github: {},
  google: {},
  salesforce: { sf_host_domain: 'acme.my.salesforce.com' },
  snowflake: { account_url: 'myorg-myaccount.snowflakecomputing.com' },
}
const SEVEN = [azure, custom, databricks, github, google, salesforce, snowflake]
const form = ({ id }: Template) => ({ ...client, ...OWN[id] })
const parse = (template: Template, changes: Record<string, unknown> = {}, loopback = false) =>
  template.parse({ ...form(template), ...changes }, { loopback })
const resolve = (template: Template, changes: Record<string, unknown> = {}) =>
  template.resolve(parse(template, changes).config)
const refusal = (template: Template, changes: Record<string, unknown>) => () => parse(template, changes)

describe('what is the same for all types', () => {
  it('INT-31 the seven that everybody knows can be made', () => {
    expect(SEVEN.map(({ id }) => id).sort()).toEqual(Object.keys(OWN).sort())
    for (const template of SEVEN) expect(() => parse(template)).not.toThrow()
  })

  it('INT-03 INT-04 INT-07 TPL-18 each is Viewer when it is said, and when nothing is', () => {
    for (const template of SEVEN) {
      expect(parse(template)).toMatchObject({ authType: 'Viewer', config: { auth_type: 'Viewer' } })
      const said = parse(template, { auth_type: 'Viewer', auth_mode: 'Confidential' })
      expect(said.config).toMatchObject({ auth_type: 'Viewer', auth_mode: 'Confidential' })
      for (const auth_type of ['viewer', 'Both', 'Visitor API Key', true]) {
        expect(refusal(template, { auth_type })).toThrow('The config key auth_type must be one of (Viewer')
      }
    }
  })

  it('INT-05 a Viewer integration has what the Authorization Code grant needs', () => {
    for (const template of SEVEN) {
      expect(resolve(template).authorizationServer).toMatchObject({
        authorization_endpoint: expect.stringMatching(/^https:/),
        token_endpoint: expect.stringMatching(/^https:/),
        code_challenge_methods_supported: ['S256'],
      })
    }
  })

  it('INT-06 a Service Account integration has what the Client Credentials grant needs', () => {
    for (const template of TEMPLATES.filter(({ authTypes, id }) => authTypes.includes('Service Account') && OWN[id])) {
      const { authType, config, clientSecret } = parse(template, { auth_type: 'Service Account' })
      expect(authType).toBe('Service Account')
      expect((clientSecret as Secret).reveal()).toBe('hush')
      const resolved = template.resolve(config)
      expect(resolved.authorizationServer?.token_endpoint).toMatch(/^https:/)
      expect(resolved.client?.token_endpoint_auth_method).toMatch(/^client_secret_/)
      expect(resolved.client?.scope).not.toContain('offline_access')
    }
  })

  it('TPL-01 TPL-02 PERS-06 PERS-07 asks for client_id and client_secret, and for scopes if one likes', () => {
    for (const template of SEVEN) {
      expect(refusal(template, { client_id: undefined })).toThrow('The config key client_id is required')
      expect(refusal(template, { client_secret: undefined })).toThrow('The config key client_secret is required')
      const names = template.questions.map(({ name }) => name)
      expect(names).toEqual(expect.arrayContaining(['client_id', 'client_secret', 'scopes']))
    }
    for (const template of [azure, custom, databricks]) {
      const service = { auth_type: 'Service Account', client_secret: undefined }
      expect(refusal(template, service)).toThrow('The config key client_secret is required')
    }
  })

  it('TPL-03 INT-30 scopes may be left out, and then only the template’s own are asked for', () => {
    const scopes = Object.fromEntries(SEVEN.map((template) => [template.id, resolve(template).client?.scope]))
    expect(scopes).toEqual({
      azure: `${DATABRICKS}/.default offline_access`,
      custom: '',
      databricks: 'all-apis offline_access',
      github: '',
      google: 'openid email profile',
      salesforce: 'api refresh_token',
      snowflake: 'refresh_token',
    })
    for (const template of SEVEN) expect(resolve(template, { scopes: 'one two' }).client?.scope).toBe('one two')
  })

  it('INT-26 INT-27 INT-28 Public applications have no secret and send none, where there are any', () => {
    for (const template of SEVEN.filter(({ authModes }) => authModes.includes('Public'))) {
      const { config, clientSecret } = parse(template, { auth_mode: 'Public', client_secret: undefined })
      expect(clientSecret).toBeUndefined()
      expect(template.resolve(config).client?.token_endpoint_auth_method).toBe('none')
      expect(refusal(template, { auth_mode: 'Public' })).toThrow('client_secret must be left out')
      expect(refusal(template, { auth_mode: 'Secret' })).toThrow(
        'The config key auth_mode must be one of (Confidential, Public)',
      )
    }
    for (const template of [github, google, snowflake]) {
      expect(refusal(template, { auth_mode: 'Public', client_secret: undefined })).toThrow(
        'The config key auth_mode must be one of (Confidential)',
      )
    }
  })

  it('INT-28 a service account cannot be Public', () => {
    for (const template of [azure, custom, databricks]) {
      const both = { auth_type: 'Service Account', auth_mode: 'Public' }
      expect(refusal(template, both)).toThrow(
        'The config key auth_mode must be one of (Confidential); a service account',
      )
      expect(refusal(template, { ...both, client_secret: undefined })).toThrow(
        'a service account needs a client secret',
      )
    }
  })

  it('INT-18 INT-29 INT-30 the form warns of service accounts, advises Confidential, and wants few scopes', () => {
    for (const { authTypes, questions } of SEVEN) {
      const [type, mode] = questions
      if (authTypes.includes('Service Account')) {
        expect(type?.description).toMatch(/all publishers and all viewers get the permissions of that identity/)
      }
      expect(mode).toMatchObject({ name: 'auth_mode', default: 'Confidential' })
      expect(questions.find(({ name }) => name === 'scopes')?.description).toMatch(/only what is needed/)
    }
  })

  it('INT-19 INT-32 a secret is in nothing that is kept, shown or told to the other services', () => {
    for (const template of SEVEN) {
      const { config, clientSecret } = parse(template, { client_secret: 'canary-client-secret' })
      expect((clientSecret as Secret).reveal()).toBe('canary-client-secret')
      expect(JSON.stringify([config, clientSecret, template.resolve(config)])).not.toContain('canary')
    }
  })

  it('PERS-08 a key of another type is refused', () => {
    expect(refusal(github, { tenant_id: TENANT })).toThrow('The config key tenant_id is not one of this template')
  })

  it('can rely on a secret that is kept already, but not without the mode that has one', () => {
    for (const template of SEVEN) {
      const { client_secret: _, ...rest } = form(template)
      expect(template.parse(rest, { loopback: false, hasSecret: true }).clientSecret).toBeUndefined()
    }
  })
})

describe('Azure', () => {
  it('INT-08 TPL-04 PERS-15 asks for tenant, client and secret', () => {
    expect(refusal(azure, { tenant_id: '' })).toThrow('The config key tenant_id is required')
    expect(azure.questions.filter(({ required }) => required).map(({ name }) => name)).toEqual([
      ...['tenant_id', 'client_id', 'client_secret'],
    ])
    expect(parse(azure, { auth_type: 'Service Account' }).authType).toBe('Service Account')
  })

  it('TPL-13 asks for Azure Databricks by default, and for exactly that', async () => {
    const { authorizationServer, client: registration } = resolve(azure)
    const { url } = await authorizationRequest(authorizationServer!, registration!, 'https://kb.example/callback')
    expect(new URL(url).searchParams.get('scope')).toBe(`${DATABRICKS}/.default offline_access`)
    expect(resolve(azure, { auth_type: 'Service Account' }).client?.scope).toBe(`${DATABRICKS}/.default`)
  })

  it('TPL-14 gives that scope as a fixed value, with the reason', () => {
    const scopes = azure.questions.find(({ name }) => name === 'scopes')
    expect(scopes?.default).toBe(`${DATABRICKS}/.default offline_access`)
    expect(scopes?.description).toMatch(
      /stands for the permission AzureDatabricks\/user_impersonation and must not be changed/,
    )
    for (const scopes of [
      `${DATABRICKS}/user_impersonation`,
      `offline_access ${DATABRICKS}/`,
      `${DATABRICKS}/.defaults`,
    ]) {
      expect(refusal(azure, { scopes })).toThrow(`${DATABRICKS}/.default must not be changed`)
    }
    for (const scopes of [`offline_access ${DATABRICKS}/.default`, 'https://vault.azure.net/.default']) {
      expect(resolve(azure, { scopes }).client?.scope).toBe(scopes)
    }
  })

  it.each(['common', 'organizations', 'consumers', '.', '..', 'a/b', 'a?b', 'a#b', 'a b', 'a%2fb', 'a\\b'])(
    'takes no tenant like %s',
    (tenant_id) => {
      expect(refusal(azure, { tenant_id })).toThrow('The config key tenant_id must be the identifier of one tenant')
    },
  )

  it('names the issuer only where the tenant is named by its id', () => {
    const issuer = (tenant_id: string) => resolve(azure, { tenant_id }).authorizationServer?.issuer
    expect(issuer(TENANT)).toBe(`https://login.microsoftonline.com/${TENANT}/v2.0`)
    expect(issuer('contoso.onmicrosoft.com')).toBeUndefined()
  })

  it('whatever a tenant is called, it stays one segment of the path', () => {
    const { authorizationServer } = resolve(azure, { tenant_id: '<my-azure-tenant-id>' })
    expect(authorizationServer?.token_endpoint).toBe(
      'https://login.microsoftonline.com/%3Cmy-azure-tenant-id%3E/oauth2/v2.0/token',
    )
  })
})

describe('Databricks', () => {
  it('INT-10 has service accounts, which show their secret by HTTP Basic', () => {
    expect(resolve(databricks, { auth_type: 'Service Account' }).client).toEqual({
      client_id: 'app',
      scope: 'all-apis',
      token_endpoint_auth_method: 'client_secret_basic',
    })
    expect(resolve(databricks).client?.token_endpoint_auth_method).toBe('client_secret_post')
  })

  it('TPL-05 PERS-16 asks for workspace_host, and says so to whoever gives workspace_hostname', () => {
    expect(refusal(databricks, { workspace_host: undefined })).toThrow('The config key workspace_host is required')
    expect(refusal(databricks, { workspace_hostname: 'x', workspace_host: undefined })).toThrow(
      'The config key workspace_hostname is called workspace_host here',
    )
  })

  it('TPL-06 workspace_host is a bare host name; https:// and a last slash are dropped', () => {
    for (const workspace_host of [
      'cust-success.cloud.databricks.com',
      'https://cust-success.cloud.databricks.com',
      'https://Cust-Success.cloud.databricks.com/',
    ]) {
      expect(parse(databricks, { workspace_host }).config.workspace_host).toBe('cust-success.cloud.databricks.com')
    }
    for (const workspace_host of [
      'adb-1.2.azuredatabricks.net',
      'adb-1.2.databricks.azure.us',
      '1.gcp.databricks.com',
    ]) {
      expect(parse(databricks, { workspace_host }).config.workspace_host).toBe(workspace_host)
    }
  })

  it.each([
    ...['http://a.cloud.databricks.com', 'a.cloud.databricks.com/sql', 'a.cloud.databricks.com:8443', 'evil.example'],
    ...['a.cloud.databricks.com.evil.example', 'evil.example/.cloud.databricks.com', 'x@a.cloud.databricks.com'],
    ...['a..cloud.databricks.com', '-a.cloud.databricks.com', 'acloud.databricks.com', 'https://'],
  ])('TPL-06 refuses %s', (workspace_host) => {
    expect(refusal(databricks, { workspace_host })).toThrow(
      'The config key workspace_host must be the name of a host under cloud.databricks.com',
    )
  })

  it('TPL-15 asks for a part of what applications there are registered with', () => {
    const registered = ['all-apis', 'sql', 'offline_access', 'openid', 'profile', 'email']
    const scopes = resolve(databricks).client?.scope.split(' ') ?? []
    expect(registered).toEqual(expect.arrayContaining(scopes))
    expect(scopes).toEqual(expect.arrayContaining(['all-apis', 'offline_access']))
  })

  it('TPL-17 TPL-18 takes the form of the documentation as it stands', () => {
    const config = {
      auth_mode: 'Confidential',
      auth_type: 'Viewer',
      workspace_host: 'cust-success.cloud.databricks.com',
      client_id: '<databricks-client-id>',
      client_secret: '<databricks-client-secret>',
    }
    const { client_secret: _, ...kept } = config
    expect(databricks.parse(config, { loopback: false }).config).toMatchObject(kept)
  })
})

describe('the others', () => {
  it('INT-11 TPL-07 GitHub needs client ID and secret and nothing else', () => {
    expect(() => parse(github)).not.toThrow()
    expect(refusal(github, { client_secret: undefined })).toThrow('client_secret is required')
    expect(refusal(github, { auth_type: 'Service Account' })).toThrow(
      'must be one of (Viewer); GitHub integrations cannot be of the type Service Account',
    )
  })

  it('INT-12 TPL-08 Google needs client ID and secret and nothing else, and so do its parts', () => {
    for (const template of [google, bigquery]) {
      expect(() => parse(template)).not.toThrow()
      expect(refusal(template, { client_secret: undefined })).toThrow('client_secret is required')
      expect(refusal(template, { auth_type: 'Service Account' })).toThrow('cannot be of the type Service Account')
    }
  })

  it('asks Google for a refresh token', () => {
    const { authorization_endpoint } = resolve(google).authorizationServer ?? {}
    const { searchParams } = new URL(authorization_endpoint!)
    expect(Object.fromEntries(searchParams)).toEqual({ access_type: 'offline', prompt: 'consent' })
  })

  it('INT-14 TPL-09 Snowflake needs the account’s host, with https:// or without', () => {
    expect(refusal(snowflake, { account_url: undefined })).toThrow('The config key account_url is required')
    const { authorizationServer, client: registration } = resolve(snowflake, {
      account_url: 'https://MyOrg-My_Account.snowflakecomputing.com',
    })
    expect(authorizationServer?.token_endpoint).toBe(
      'https://myorg-my_account.snowflakecomputing.com/oauth/token-request',
    )
    expect(registration?.token_endpoint_auth_method).toBe('client_secret_basic')
    expect(refusal(snowflake, { auth_type: 'Service Account' })).toThrow('cannot be of the type Service Account')
  })

  it('INT-13 TPL-10 Salesforce needs the host that people log in at, which is not where its pages are', () => {
    expect(refusal(salesforce, { sf_host_domain: undefined })).toThrow('The config key sf_host_domain is required')
    expect(refusal(salesforce, { sf_host_domain: 'acme.lightning.force.com' })).toThrow('under salesforce.com')
    expect(refusal(salesforce, { auth_type: 'Service Account' })).toThrow('cannot be of the type Service Account')
  })

  it('INT-09 INT-15 TPL-11 TPL-12 Custom needs its endpoints, for a service account only one', () => {
    expect(refusal(custom, { authorization_uri: undefined })).toThrow('The config key authorization_uri is required')
    expect(refusal(custom, { token_uri: undefined })).toThrow('The config key token_uri is required')
    const service = { auth_type: 'Service Account', authorization_uri: undefined }
    expect(resolve(custom, service).authorizationServer?.authorization_endpoint).toBeUndefined()
    expect(parse(custom, { auth_type: 'Service Account' }).config.authorization_uri).toBe(OWN.custom?.authorization_uri)
  })

  it('a key of this server has a highest role, by the words that clients know', () => {
    const roles = 'The config key max_role must be one of (Viewer, Publisher, Admin)'
    for (const max_role of [undefined, 'Not a Role', 'viewer']) {
      expect(() => connect.parse({ max_role }, { loopback: false })).toThrow(
        expect.objectContaining({ code: 'integration.config_invalid', message: roles }),
      )
    }
    const { authType, config } = connect.parse({ max_role: 'Admin' }, { loopback: false })
    expect(authType).toBe('Visitor API Key')
    expect(config.max_role).toBe('Admin')
    expect(connect.resolve(config).issues).toEqual({ type: 'urn:posit:connect:api-key', max_role: 'administrator' })
  })

  it('a host may be this machine in development only, and is then spoken to in plain http', () => {
    const local = { workspace_host: 'http://127.0.0.1:4000' }
    expect(refusal(databricks, local)).toThrow('workspace_host')
    const { config } = parse(databricks, local, true)
    expect(config.workspace_host).toBe('127.0.0.1:4000')
    expect(databricks.resolve(config).authorizationServer?.token_endpoint).toBe('http://127.0.0.1:4000/oidc/v1/token')
    expect(() => parse(databricks, { workspace_host: '10.0.0.1:4000' }, true)).toThrow('workspace_host')
  })
})

describe('an endpoint by its components', () => {
  it('encodes what it is made of', () => {
    expect(endpointAt('a.example', ['x/y', 'ü', '%2e%2e'], { q: 'a&b=c', r: 'ü' })).toBe(
      'https://a.example/x%2Fy/%C3%BC/%252e%252e?q=a%26b%3Dc&r=%C3%BC',
    )
    expect(endpointAt('a.example', [])).toBe('https://a.example/')
  })

  it.each(['', '..', '.'])('has no segment "%s"', (segment) => {
    expect(() => endpointAt('a.example', ['x', segment])).toThrow(TypeError)
  })

  it.each(['a.example/x', 'a.example:443', 'u@a.example', 'A.example', '', 'a b'])('is at no host "%s"', (host) => {
    expect(() => endpointAt(host, ['x'])).toThrow(TypeError)
  })
})
