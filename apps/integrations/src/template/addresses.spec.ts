import type { DomainError } from '#libs/contracts'
import { azure } from './azure.js'
import { custom } from './custom.js'
import { databricks } from './databricks.js'
import { endpointAt } from './endpoint-at.js'
import { github } from './github.js'
import { salesforce } from './salesforce.js'
import { snowflake } from './snowflake.js'
import type { Template } from './template.js'

const CREDENTIALS = { client_id: 'keybearer', client_secret: 'hush' }
const OF_CUSTOM = {
  scopes: 'all',
  authorization_uri: 'https://acme.example/authorize',
  token_uri: 'https://acme.example/token',
}

/** Where each template takes an address, or a part of one, from whoever fills in its form. */
const PARTS: readonly [name: string, template: Template, field: string, good: string][] = [
  ['Azure', azure, 'tenant_id', 'contoso.example'],
  ['Databricks', databricks, 'workspace_host', 'acme.cloud.databricks.com'],
  ['GitHub', github, 'github_host', 'github.acme.example'],
  ['Salesforce', salesforce, 'sf_host_domain', 'acme.my.salesforce.com'],
  ['Snowflake', snowflake, 'account_url', 'acme-prod.snowflakecomputing.com'],
]

const ESCAPES = [
  '../common',
  'x/../../evil',
  'x?y=z',
  '#',
  'x#y',
  'x%2fy',
  '%2e%2e',
  'x\\y',
  'evil.test/#',
  'evil.test\r\nhost: x',
  'x y',
  '..',
]
/** What is no name of a host under the vendor's domains, or none at all. */
const HOSTS = ['a@evil.test', 'evil.test:8443', '①②⑦.0.0.1', '169.254.169.254', '[::1]']

const hostsOf = (template: Template, config: Record<string, string>): string[] => {
  const { authorizationServer } = template.resolve(template.parse(config, { loopback: false }).config)
  return Object.values(authorizationServer ?? {})
    .filter((value): value is string => typeof value === 'string' && value.startsWith('https://'))
    .map((value) => new URL(value).href)
}

describe.each(PARTS)('F11 the part of an address in the form of %s', (_name, template, field, good) => {
  it('is taken when it is one', () => {
    const urls = hostsOf(template, { ...CREDENTIALS, [field]: good })
    expect(urls.length).toBeGreaterThan(1)
    for (const url of urls) expect(url).toContain(good)
  })

  it.each(field === 'tenant_id' ? ESCAPES : [...ESCAPES, ...HOSTS])('is refused when it is %j', (value) => {
    expect(() => template.parse({ ...CREDENTIALS, [field]: value }, { loopback: false })).toThrow(
      expect.objectContaining({ code: 'integration.config_invalid' }),
    )
  })
})

it.each(HOSTS)('F11 a tenant stays a segment of the path, whatever it looks like: %s', (tenant_id) => {
  for (const url of hostsOf(azure, { ...CREDENTIALS, tenant_id })) {
    const { origin, pathname } = new URL(url)
    expect([origin, pathname.split('/')[1]]).toEqual([
      'https://login.microsoftonline.com',
      encodeURIComponent(tenant_id),
    ])
  }
})

describe('an address in the form of Custom', () => {
  const saved = (token_uri: string) => custom.parse({ ...CREDENTIALS, ...OF_CUSTOM, token_uri }, { loopback: false })

  it('F01 is taken over https', () => {
    expect(saved('https://acme.example/token').config.token_uri).toBe('https://acme.example/token')
  })

  it.each([
    ['F01', 'http://acme.example/token'],
    ['F01', 'http://127.0.0.1/token'],
    ['F08', 'https://acme.example@evil.test/token'],
    ['F10', 'https://acme.example/token#x'],
    ['F17', 'file:///etc/passwd'],
    ['F17', 'gopher://acme.example/'],
    ['F17', 'data:text/plain,x'],
    ['F17', 'unix:/run/docker.sock'],
  ])('%s is refused: %s', (_check, url) => {
    expect(() => saved(url)).toThrow(expect.objectContaining({ code: 'integration.config_invalid' }))
  })
})

describe.each(['authorization_uri', 'token_uri', 'revocation_uri', 'issuer'])('in the form of Custom, %s', (name) => {
  const refusal = (url: string, loopback = false): unknown => {
    try {
      custom.parse({ ...CREDENTIALS, ...OF_CUSTOM, [name]: url }, { loopback })
      return 'taken'
    } catch (error) {
      return (error as DomainError).message
    }
  }
  const internal = `The config key ${name} must not be at an address that is internal or of special use`

  it.each([
    ['F02', 'https://0x7f.1/token'],
    ['F02', 'https://2130706433/'],
    ['F02', 'https://127.1/'],
    ['F02', 'https://0177.0.0.1/'],
    ['F02', 'https://①②⑦.0.0.1/'],
    ['F03', 'https://[::1]/'],
    ['F03', 'https://[::]/'],
    ['F03', 'https://[::ffff:127.0.0.1]/'],
    ['F03', 'https://[64:ff9b::7f00:1]/'],
    ['F03', 'https://[2002:7f00:1::]/'],
    ['F03', 'https://0.0.0.0/'],
    ['F04', 'https://169.254.169.254/latest/meta-data/'],
    ['F04', 'https://[fd00:ec2::254]/'],
    ['F04', 'https://100.64.0.1/'],
    ['F04', 'https://10.0.0.1/'],
    ['F04', 'https://172.16.0.1/'],
    ['F04', 'https://192.168.0.1/'],
    ['F04', 'https://[fc00::1]/'],
    ['F04', 'https://[fe80::1]/'],
  ])('%s is no internal address: %s', (check, url) => {
    expect(refusal(url)).toBe(internal)
    // In development this machine is a provider, and no other one of the house.
    const isHere = ['F02', 'F03'].includes(check) && !/^https:\/\/(\[::\]|0\.0\.0\.0|\[64|\[2002)/.test(url)
    expect(refusal(url, true)).toBe(isHere ? 'taken' : internal)
  })

  it('F04 may be an address of the internet', () => {
    expect(refusal('https://8.8.8.8/token')).toBe('taken')
    expect(refusal('https://[2606:2800:220:1:248:1893:25c8:1946]/token')).toBe('taken')
  })

  it.each([22, 25, 4222, 5432, 6379, 8443])('F09 is not at port %i', (port) => {
    expect(refusal(`https://acme.example:${port}/token`)).toBe(`The config key ${name} must be at port 443`)
  })
})

it('F10 an address of 8 KiB is refused', () => {
  const token_uri = `https://acme.example/${'a'.repeat(8192)}`
  expect(() => custom.parse({ ...CREDENTIALS, ...OF_CUSTOM, token_uri }, { loopback: false })).toThrow('token_uri')
})

describe('F11 an address made of parts', () => {
  it('has each in its place', () => {
    expect(endpointAt('acme.example', ['a b', 'x?y#z'], { audience: 'a&b' })).toBe(
      'https://acme.example/a%20b/x%3Fy%23z?audience=a%26b',
    )
  })

  it.each(['..', '.', ''])('leads nowhere else by %j', (segment) => {
    expect(() => endpointAt('acme.example', ['tenant', segment])).toThrow(TypeError)
  })

  it.each(['evil.test/#', 'a@evil.test', 'evil.test?x', ''])('is of no host that is none: %j', (host) => {
    expect(() => endpointAt(host, ['x'])).toThrow(TypeError)
  })
})
