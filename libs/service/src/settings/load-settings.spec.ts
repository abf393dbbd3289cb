import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { Secret } from '#libs/contracts'
import { loadSettings, SECTIONS, SettingsError, settingsFrom } from './load-settings.js'
import { isLoopback } from './rules.js'
import {
  AuthenticationSettings,
  AuthorizationSettings,
  BootstrapSettings,
  ContentSettings,
  DevelopmentSettings,
  ExchangeSettings,
  HttpSettings,
  OAuth2Settings,
  ServerSettings,
} from './sections/index.js'
import { sectionOf, settingsOf } from './setting.js'
import { readSetting } from './values.js'

const LOGIN =
  '[OAuth2]\nClientId = keybearer\nClientSecret = "hush hush"\nOpenIDConnectIssuer = https://id.example.com\n'
const SOUND = `[Server]\nAddress = https://keybearer.example.com\n${LOGIN}`

const load = (more = '', base = SOUND) => settingsFrom(`${base}${more}`, SECTIONS)

function faultsOf(text: string): string[] {
  try {
    settingsFrom(text, SECTIONS)
  } catch (error) {
    if (error instanceof SettingsError) return error.message.split('\n  ').slice(1)
    throw error
  }
  return []
}

describe('the settings', () => {
  it('CFG-06 CFG-07 CFG-08 CFG-12 are read by section and typed', () => {
    const oauth2 = load().get(OAuth2Settings)
    expect(oauth2.clientId).toBe('keybearer')
    expect(oauth2.clientSecret?.reveal()).toBe('hush hush')
    expect(oauth2.openIDConnectIssuer).toBe('https://id.example.com')
    expect(load().get(AuthenticationSettings).provider).toBe('oauth2')
    expect(load().get(ServerSettings).url.hostname).toBe('keybearer.example.com')
  })

  it('CFG-17 mean Google when no issuer is set', () => {
    const google = load('', SOUND.replace('OpenIDConnectIssuer = https://id.example.com', '')).get(OAuth2Settings)
    expect(google).toMatchObject({ isGoogle: true, issuer: 'https://accounts.google.com' })
    expect(load().get(OAuth2Settings)).toMatchObject({ isGoogle: false, issuer: 'https://id.example.com' })
  })

  it.each([
    ['https://kb.example.com', 'https://kb.example.com', ''],
    ['https://kb.example.com/', 'https://kb.example.com', ''],
    ['https://kb.example.com:8443/kb/', 'https://kb.example.com:8443', '/kb'],
  ])('CFG-12 make absolute URLs of %s', (address, origin, prefix) => {
    const server = load('', `[Server]\nAddress = ${address}\n${LOGIN}`).get(ServerSettings)
    expect([server.origin, server.prefix]).toEqual([origin, prefix])
    expect(server.urlOf('/content/6f2/')).toBe(`${origin}${prefix}/content/6f2/`)
  })

  it('CFG-21 CFG-22 CFG-23 CFG-24 CFG-25 CFG-26 CFG-33 have defaults', () => {
    const settings = load()
    expect(settings.get(OAuth2Settings)).toMatchObject({
      uniqueIdClaim: 'sub',
      emailClaim: 'email',
      firstNameClaim: 'given_name',
      lastNameClaim: 'family_name',
      usernameClaim: 'preferred_username',
      groupsClaim: 'groups',
      groupsAutoProvision: false,
      logging: false,
      customScope: [],
    })
    expect(settings.get(AuthorizationSettings).defaultUserRole).toBe('viewer')
    expect(settings.get(HttpSettings)).toMatchObject({ host: undefined, port: 3939 })
    expect(settings.get(ContentSettings)).toMatchObject({ userSessionTokenLifetimeMs: 3_600_000, upstream: [] })
    expect(settings.get(BootstrapSettings).key()).toBeUndefined()
    expect(settings.get(DevelopmentSettings).loopback).toBe(false)
  })

  it('CFG-03 an empty claim name is not the default', () => {
    expect(load('FirstNameClaim = ""').get(OAuth2Settings).firstNameClaim).toBe('')
  })

  it('CFG-05 CFG-31 lists collect all their lines, and of a single value the last one holds', () => {
    const text = 'CustomScope = a\nUsernameClaim = one\nCustomScope = b\n[oauth2]\ncustomscope = c\nUSERNAMECLAIM = two'
    expect(load(text).get(OAuth2Settings)).toMatchObject({ customScope: ['a', 'b', 'c'], usernameClaim: 'two' })
  })

  it('I12 print no secret', () => {
    const settings = load()
    for (const section of SECTIONS) {
      expect(JSON.stringify(settings.get(section))).not.toContain('hush')
      expect(inspect(settings.get(section), { depth: 5 })).not.toContain('hush')
    }
    expect(JSON.stringify(settings.get(OAuth2Settings))).toContain('"clientSecret":"[secret]"')
  })

  it('are frozen, lists too', () => {
    const oauth2 = load('CustomScope = a').get(OAuth2Settings)
    expect(() => Object.assign(oauth2, { clientId: 'other' })).toThrow(TypeError)
    expect(() => (oauth2.customScope as string[]).push('b')).toThrow(TypeError)
  })

  it('a process gets the sections it asked for and no other', () => {
    const settings = settingsFrom(SOUND, [ServerSettings])
    expect(settings.sections).toEqual([ServerSettings])
    expect(() => settings.get(OAuth2Settings)).toThrow('does not read')
  })

  it('reads the address to listen on', () => {
    expect(load('[HTTP]\nListen = 127.0.0.1:8080').get(HttpSettings)).toMatchObject({ host: '127.0.0.1', port: 8080 })
    expect(load('[HTTP]\nListen = "[::1]:8080"').get(HttpSettings)).toMatchObject({ host: '::1', port: 8080 })
  })

  it('reads the bootstrap key', () => {
    const bytes = Buffer.alloc(32, 7)
    const settings = load(`[Bootstrap]\nSecretKey = "${bytes.toString('base64')}"`)
    expect(settings.get(BootstrapSettings).key()).toEqual(bytes)
  })

  it.each([
    ['CFG-04 a word that is no boolean', 'Logging = yes', 'line 7: OAuth2.Logging must be true or false'],
    ['CFG-04 a boolean in capitals', 'UsePKCE = True', 'line 7: OAuth2.UsePKCE must be true or false'],
    ['an unknown setting', 'Colour = blue', 'line 7: OAuth2.Colour is not a setting that we know'],
    ['an unknown section', '[Colours]\nBlue = true', 'line 7: Colours is not a section that we know'],
    ['a named section where none is', '[OAuth2 "x"]', 'line 7: OAuth2 takes no name in quotes'],
    [
      'an unknown provider',
      '[Authentication]\nProvider = pam',
      'line 8: Authentication.Provider must be oauth2, the only way to log in that there is',
    ],
    [
      'CFG-33 an unknown role',
      '[Authorization]\nDefaultUserRole = boss',
      'line 8: Authorization.DefaultUserRole must be one of viewer, publisher',
    ],
    ['an empty claim for the identity', 'UniqueIdClaim = ""', 'line 7: OAuth2.UniqueIdClaim should not be empty'],
    [
      'two scopes in a line',
      'CustomScope = a b',
      'line 7: OAuth2.CustomScope must be one scope a line, without spaces',
    ],
    [
      'a duration without a unit that is known',
      '[Content]\nUserSessionTokenLifetime = 1d',
      'line 8: Content.UserSessionTokenLifetime must be a duration such as 500ms, 20s, 5m or 1h30m',
    ],
    [
      'a token lifetime over a day',
      '[Content]\nUserSessionTokenLifetime = 25h',
      'line 8: Content.UserSessionTokenLifetime must be at most 24h',
    ],
    [
      'an address without a port',
      '[HTTP]\nListen = localhost',
      'line 8: HTTP.Listen must be of the form :port or address:port',
    ],
    [
      'a short bootstrap key',
      '[Bootstrap]\nSecretKey = c2hvcnQ=',
      'line 8: Bootstrap.SecretKey must be Base64 of at least 32 bytes',
    ],
    [
      'CFG-10 both ways to give the secret',
      'ClientSecretFile = /nowhere',
      'line 5: OAuth2.ClientSecret and OAuth2.ClientSecretFile exclude each other',
    ],
    [
      'a loopback switch on a public server',
      '[Development]\nLoopback = true',
      'line 8: Development.Loopback is permitted only when Server.Address is a loopback address',
    ],
    [
      'a lease that ends before the token request',
      '[Exchange]\nRefreshLease = 20s',
      'line 8: Exchange.TokenRequestTimeout must be shorter than Exchange.RefreshLease',
    ],
    [
      'a wait that ends before the lease',
      '[Exchange]\nRefreshWait = 25s',
      'line 8: Exchange.RefreshLease must be shorter than Exchange.RefreshWait',
    ],
    [
      'a route that ends before the wait',
      '[Exchange]\nRouteTimeout = 1s',
      'line 8: Exchange.RefreshWait must be shorter than Exchange.RouteTimeout',
    ],
  ])('refuses %s', (_, more, fault) => {
    expect(faultsOf(`${SOUND}${more}`)).toEqual([fault])
  })

  it.each([
    [
      'CFG-07 ClientId',
      'ClientId = keybearer\n',
      'OAuth2.ClientId is missing; Authentication.Provider = oauth2 needs it',
    ],
    [
      'CFG-10 either secret',
      'ClientSecret = "hush hush"\n',
      'OAuth2.ClientSecret and OAuth2.ClientSecretFile are both missing; Authentication.Provider = oauth2 needs one of them',
    ],
  ])('refuses a file without %s', (_, line, fault) => {
    expect(faultsOf(SOUND.replace(line, ''))).toEqual([fault])
  })

  it('CFG-13 I05 refuses an http issuer and an http address but for development on loopback', () => {
    const plain = SOUND.replaceAll('https://', 'http://')
    expect(faultsOf(plain)).toEqual([
      'line 2: Server.Address must be https; http is permitted by Development.Loopback only',
      'line 6: OAuth2.OpenIDConnectIssuer must be https; http is permitted by Development.Loopback only',
    ])
    const local = plain.replace('keybearer.example.com', 'localhost:3939')
    expect(faultsOf(`${local}[Development]\nLoopback = true`)).toEqual([])
  })

  it.each(['ftp://a.example', 'https://u:p@a.example', 'https://a.example?x=1', 'https://a.example#x', 'a.example'])(
    'refuses the address %s',
    (address) => {
      expect(faultsOf(`[Server]\nAddress = "${address}"\n${LOGIN}`)).toEqual([
        'line 2: Server.Address must be an http or https URL without user, query and fragment',
      ])
    },
  )

  it.each(['', '2025.09', '2025.09.1-dev', 'v2025.9.1', 'latest'])('refuses the API version %j', (version) => {
    expect(faultsOf(`${SOUND}[Server]\nApiVersion = "${version}"\n`)).toEqual([
      'line 8: Server.ApiVersion must be three numbers with dots between, such as 2025.09.1',
    ])
  })

  it('reports all faults at once, in the order of the file, and never a value', () => {
    const text = `[Server]\nAddress = "gopher://hidden-1"\n[Oauth2]\nLogging = hidden-2\nClientSecret = "hidden-3\n[Hm]\nX = hidden-4\nhidden-5`
    const faults = faultsOf(text)
    expect(faults.map((fault) => fault.slice(0, 7))).toEqual(['line 2:', 'line 4:', 'line 5:', 'line 6:', 'line 8:'])
    expect(faults.join().replace('hidden-5', '')).not.toContain('hidden')
  })
})

describe('the client secret in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'settings-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const text = SOUND.replace('ClientSecret = "hush hush"', 'ClientSecretFile = secret')

  it('CFG-09 is as good as one in the settings, without its line end', () => {
    writeFileSync(join(folder, 'secret'), 'from the file\n', { mode: 0o600 })
    writeFileSync(join(folder, 'keybearer.gcfg'), text)
    const settings = loadSettings(join(folder, 'keybearer.gcfg'), [OAuth2Settings])
    expect(settings.get(OAuth2Settings).clientSecret).toBeInstanceOf(Secret)
    expect(settings.get(OAuth2Settings).clientSecret?.reveal()).toBe('from the file')
  })

  it('is read by nobody who does not need it', () => {
    expect(() => settingsFrom(text, [ServerSettings], { folder: join(folder, 'elsewhere') })).not.toThrow()
  })

  it('refuses a file that others may read', () => {
    writeFileSync(join(folder, 'open'), 'from the file\n')
    chmodSync(join(folder, 'open'), 0o644)
    expect(() => settingsFrom(text.replace('= secret', '= open'), [OAuth2Settings], { folder })).toThrow(
      'line 5: OAuth2.ClientSecretFile names a file that is open to others; its mode must be 0600',
    )
  })

  it('refuses a file that is not there', () => {
    expect(() => settingsFrom(text, [OAuth2Settings], { folder: join(folder, 'elsewhere') })).toThrow(
      'line 5: OAuth2.ClientSecretFile names a file that cannot be read (ENOENT)',
    )
  })

  it('refuses a settings file that is not there', () => {
    expect(() => loadSettings(join(folder, 'none.gcfg'), [])).toThrow(SettingsError)
  })
})

describe('the deadlines of a refresh', () => {
  it('nest by default: token request, lease, wait, route', () => {
    const { tokenRequestTimeoutMs, refreshLeaseMs, refreshWaitMs, routeTimeoutMs } = load().get(ExchangeSettings)
    const deadlines = [tokenRequestTimeoutMs, refreshLeaseMs, refreshWaitMs, routeTimeoutMs]
    expect(deadlines).toEqual([20_000, 25_000, 30_000, 35_000])
    expect(deadlines).toEqual(deadlines.toSorted((a, b) => a - b))
  })

  it('may be short', () => {
    const text = '[Exchange]\nTokenRequestTimeout = 500ms\nRefreshLease = 1s\nRefreshWait = 2s\nRouteTimeout = 3s'
    expect(load(text).get(ExchangeSettings)).toMatchObject({ tokenRequestTimeoutMs: 500, routeTimeoutMs: 3000 })
  })
})

describe('kinds of settings', () => {
  it.each([
    ['duration', '500ms', 500],
    ['duration', '1h30m', 5_400_000],
    ['duration', '1.5s', 1500],
    ['duration', '3000000000', 3000],
    ['int', '-123', -123],
    ['decimal', '3.14', 3.14],
    ['decimal', '-2', -2],
    ['size', '42', 42],
    ['size', '5 MB', 5_000_000],
    ['size', '5 KiB', 5120],
    ['size', '1.5GiB', 1_610_612_736],
    ['size', '0', 0],
    ['bool', 'false', false],
    ['string', '', ''],
  ] as const)('%s %s', (kind, text, value) => {
    expect(readSetting(kind, text)).toEqual({ value })
  })

  it.each([
    ['duration', '5'.padEnd(3, 'x')],
    ['duration', ''],
    ['duration', '-1s'],
    ['int', '1.5'],
    ['int', '9007199254740993'],
    ['bool', '1'],
    ['decimal', '.5'],
    ['decimal', '1e3'],
    ['size', '5 XB'],
    ['size', '-5'],
    ['size', '0.5'],
    ['size', '9999999 TiB'],
    ['size', ''],
    ['secret', ''],
  ] as const)('%s refuses %s', (kind, text) => {
    expect(readSetting(kind, text)).toHaveProperty('problem')
  })

  it('every setting of every section has a description that ends like a sentence', () => {
    for (const section of SECTIONS) {
      expect(sectionOf(section).description).toMatch(/\.$/)
      for (const { description } of settingsOf(section)) expect(description).toMatch(/\.$/)
    }
  })
})

describe('loopback', () => {
  it.each(['localhost', 'app.localhost', '127.0.0.1', '127.9.9.9', '[::1]', 'LOCALHOST.'])('%s is', (name) => {
    expect(isLoopback(name)).toBe(true)
  })
  it.each(['localhost.example.com', '127.example.com', '10.0.0.1', '0.0.0.0', '128.0.0.1'])('%s is not', (name) => {
    expect(isLoopback(name)).toBe(false)
  })
})
