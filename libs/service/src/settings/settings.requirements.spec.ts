import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CONNECT_NAMES, isConnectSection } from './connect-names.js'
import { SECTIONS, SettingsError, settingsFrom, settingsSentence } from './load-settings.js'
import {
  ApplicationsSettings,
  AuthenticationSettings,
  AuthorizationSettings,
  HttpSettings,
  OAuth2Settings,
  ServerSettings,
} from './sections/index.js'
import { sectionOf, settingsOf } from './setting.js'

const ISSUER = 'OpenIDConnectIssuer = https://id.example.com'
const CLIENT = 'ClientId = keybearer\nClientSecret = "hush hush"\nAllowedDomain = company.com'

/** A sound file with the lines in their sections. */
const file = ({ oauth2 = ISSUER, authorization = '', more = '' }) => `[Server]
Address = https://keybearer.example.com
[Authentication]
Provider = "oauth2"
[OAuth2]
${CLIENT}
${oauth2}
[Authorization]
${authorization}
${more}`

interface Lines {
  readonly oauth2?: string
  readonly authorization?: string
  readonly more?: string
}

const oauth2 = (lines: string) => settingsFrom(file({ oauth2: `${ISSUER}\n${lines}` }), SECTIONS).get(OAuth2Settings)
const authorization = (lines: string) =>
  settingsFrom(file({ authorization: lines }), SECTIONS).get(AuthorizationSettings)
const warnings = (text: string) => settingsFrom(text, SECTIONS).warnings.map(settingsSentence)

function faults(text: string): string[] {
  try {
    settingsFrom(text, SECTIONS)
  } catch (error) {
    if (error instanceof SettingsError) return error.message.split('\n  ').slice(1)
    throw error
  }
  return []
}

describe('settings of login', () => {
  it('a sound file has no warnings', () => {
    expect(warnings(file({}))).toEqual([])
  })

  it.each(['https://login.microsoftonline.com/{tenant-id}/v2.0', 'https://login.microsoftonline.com/0ebf/v2.0'])(
    'CFG-16 the issuer of Entra is taken as it is: %s',
    (issuer) => {
      const text = file({ oauth2: `OpenIDConnectIssuer = "${issuer}"` })
      expect(settingsFrom(text, SECTIONS).get(OAuth2Settings).issuer).toBe(issuer)
    },
  )

  it.each([
    'https://id.example.com?x=1',
    'https://id.example.com/#x',
    'https://me:hush@id.example.com',
    'id.example.com',
  ])('CFG-13 I03 the issuer %s stops the start', (issuer) => {
    expect(faults(file({ oauth2: `OpenIDConnectIssuer = "${issuer}"` }))).toEqual([
      'line 9: OAuth2.OpenIDConnectIssuer must be an https URL without user, query and fragment',
    ])
  })

  it('CFG-14 no setting waives the check of certificates', () => {
    const names = SECTIONS.flatMap((section) =>
      settingsOf(section).map(({ name }) => `${sectionOf(section).name}.${name}`),
    )
    expect(names.filter((name) => /insecure|verif|tls|certificate|selfsigned/i.test(name))).toEqual([])
  })

  it('CFG-18 CFG-19 CFG-20 CFG-27 CFG-28 CFG-29 CFG-30 CFG-32 have defaults, and other values', () => {
    expect(oauth2('')).toMatchObject({
      logging: false,
      registerOnFirstLogin: true,
      requireUsernameClaim: false,
      roleClaim: '',
      groupsAutoProvision: false,
      groupsByUniqueId: false,
      allowedDomain: ['company.com'],
      allowedEmail: [],
    })
    expect(oauth2('').groupsSeparator).toBeUndefined()
    expect(new OAuth2Settings().allowedDomain).toEqual([])
    expect(
      oauth2(
        'Logging = true\nRegisterOnFirstLogin = false\nRequireUsernameClaim = true\nRoleClaim = "role"\n' +
          'GroupsSeparator = "|"\nGroupsAutoProvision = true\nAllowedEmail = a@b.example\nAllowedDomain = "c.example"',
      ),
    ).toMatchObject({
      logging: true,
      registerOnFirstLogin: false,
      requireUsernameClaim: true,
      roleClaim: 'role',
      groupsSeparator: '|',
      groupsAutoProvision: true,
      allowedEmail: ['a@b.example'],
      allowedDomain: ['company.com', 'c.example'],
    })
    expect(oauth2('GroupsByUniqueId = true').groupsByUniqueId).toBe(true)
  })

  it('CFG-34 CFG-35 CFG-36 CFG-37 CFG-38 CFG-39 have defaults, and other values', () => {
    expect(authorization('')).toMatchObject({
      userInfoEditableBy: 'AdminAndSelf',
      userRoleMapping: false,
      userRoleGroupMapping: false,
      viewerRoleMapping: [],
      publisherRoleMapping: [],
      administratorRoleMapping: [],
      userRoleMappingRestrictive: false,
      userGroups: true,
    })
    expect(
      authorization(
        'UserInfoEditableBy = Admin\nUserRoleMapping = true\nViewerRoleMapping = "HR"\nViewerRoleMapping = "Marketing"\n' +
          'PublisherRoleMapping = "Engineering"\nAdministratorRoleMapping = "IT"\nUserRoleMappingRestrictive = true\n' +
          'UserGroups = false',
      ),
    ).toMatchObject({
      userInfoEditableBy: 'Admin',
      userRoleMapping: true,
      viewerRoleMapping: ['HR', 'Marketing'],
      publisherRoleMapping: ['Engineering'],
      administratorRoleMapping: ['IT'],
      userRoleMappingRestrictive: true,
      userGroups: false,
    })
    expect(authorization('UserRoleGroupMapping = true').userRoleGroupMapping).toBe(true)
    expect(faults(file({ authorization: 'UserInfoEditableBy = Anybody' }))).toEqual([
      'line 11: Authorization.UserInfoEditableBy must be one of AdminAndSelf, Admin',
    ])
  })

  it('CFG-46 the mode that groups are compared with at the start is read from the file', () => {
    expect(oauth2('GroupsAutoProvision = true').groupsAutoProvision).toBe(true)
    expect(oauth2('GroupsClaim = ""').groupsClaim).toBe('')
  })

  it('CFG-47 the address makes the redirect URI of integrations', () => {
    const server = settingsFrom('[Server]\nAddress = https://connect.example.org', SECTIONS).get(ServerSettings)
    expect(server.urlOf('/__oauth__/integrations/callback')).toBe(
      'https://connect.example.org/__oauth__/integrations/callback',
    )
  })
})

describe('what stops the start', () => {
  it.each<[string, Lines, string]>([
    [
      'CFG-40 I01 both role mappings',
      { authorization: 'UserRoleMapping = true\nUserRoleGroupMapping = true' },
      'line 11: Authorization.UserRoleMapping and Authorization.UserRoleGroupMapping exclude each other',
    ],
    [
      'CFG-41 GRP-38 I02 groups by unique ID that are made at login',
      { oauth2: `${ISSUER}\nGroupsByUniqueId = true\nGroupsAutoProvision = true` },
      'line 10: OAuth2.GroupsByUniqueId and OAuth2.GroupsAutoProvision exclude each other: the groups would have unique IDs for names',
    ],
    [
      'roles from groups that are turned off',
      { oauth2: `${ISSUER}\nGroupsClaim = groups`, authorization: 'UserGroups = false\nUserRoleGroupMapping = true' },
      'line 13: Authorization.UserRoleGroupMapping is on, but Authorization.UserGroups is off: no login could change a role, and nobody else may',
    ],
    [
      'CFG-42 ROLE-18 roles from groups that are managed here',
      { oauth2: `${ISSUER}\nGroupsClaim = ""`, authorization: 'UserRoleGroupMapping = true' },
      'line 12: Authorization.UserRoleGroupMapping does not work with groups managed here, as an empty OAuth2.GroupsClaim makes them',
    ],
    [
      'ROLE-20 GRP-27 roles from groups with Google',
      { oauth2: '', authorization: 'UserRoleGroupMapping = true' },
      'line 11: Authorization.UserRoleGroupMapping does not work with Google, where groups are managed here (OAuth2.OpenIDConnectIssuer is missing)',
    ],
    [
      'a username claim that is required and has no name',
      { oauth2: `${ISSUER}\nRequireUsernameClaim = true\nUsernameClaim = ""` },
      'line 10: OAuth2.RequireUsernameClaim is on, but OAuth2.UsernameClaim is empty: nobody could log in',
    ],
    [
      'CFG-10 I07 both ways to give the secret',
      { oauth2: `${ISSUER}\nClientSecretFile = secret` },
      'line 7: OAuth2.ClientSecret and OAuth2.ClientSecretFile exclude each other',
    ],
    [
      'I07 a word that is no boolean',
      { authorization: 'UserGroups = maybe' },
      'line 11: Authorization.UserGroups must be true or false',
    ],
    [
      'a port that there is not',
      { more: '[HTTP]\nListen = :70000' },
      'line 13: HTTP.Listen must be of the form :port or address:port',
    ],
  ])('%s', (_, lines, fault) => {
    expect(faults(file(lines))).toEqual([fault])
  })

  it('everything in one go, with section, setting and line, and no value', () => {
    const text = file({
      oauth2:
        'OpenIDConnectIssuer = "http://hidden-1.example"\nGroupsByUniqueId = hidden-2\nhidden-3\nColour = hidden-4',
      authorization: 'UserRoleMapping = true\nUserRoleGroupMapping = true\nDefaultUserRole = "hidden-5"',
      more: '[Colours]\nBlue = hidden-6\n[HTTP]\nListen = hidden-7',
    })
    const all = faults(text)
    expect(all).toEqual([
      'line 10: OAuth2.GroupsByUniqueId must be true or false',
      'line 11: OAuth2 is not of the form Name = value',
      'line 12: OAuth2.Colour is not a setting that we know',
      'line 16: Authorization.DefaultUserRole must be one of viewer, publisher',
      'line 17: Colours is not a section that we know',
      'line 20: HTTP.Listen must be of the form :port or address:port',
    ])
    expect(all.join()).not.toContain('hidden')
  })
})

it('a secret that was broken into lines is not taken for a name', () => {
  const text = file({
    more: `[Bootstrap]\nSecretKey = hidden\nhiddenhiddenhidden==\n${'hidden'.repeat(6)} = x\nhidden=`,
  })
  const all = faults(text)
  expect(all.slice(1)).toEqual([
    'line 14: Bootstrap has a line that is no setting that we know',
    'line 15: Bootstrap has a line that is no setting that we know',
    'line 16: Bootstrap has no value; an empty one is written ""',
  ])
  expect(all.join()).not.toContain('hidden')
})

describe('what warns and starts', () => {
  it.each<[string, Lines, string]>([
    [
      'CFG-44 profiles that people edit although an administrator makes them',
      { oauth2: `${ISSUER}\nRegisterOnFirstLogin = false` },
      'line 10: Authorization.UserInfoEditableBy should be Admin when OAuth2.RegisterOnFirstLogin is off',
    ],
    [
      'CFG-45 a claim of groups where there are no groups',
      { authorization: 'UserGroups = false' },
      'line 11: Authorization.UserGroups is off, so OAuth2.GroupsClaim should be empty ("")',
    ],
    [
      'a unique ID that may be given to another person',
      { oauth2: `${ISSUER}\nUniqueIdClaim = email` },
      'line 10: OAuth2.UniqueIdClaim names something that may be given to another person, who would then log in as the former one; sub is for good',
    ],
    [
      'CFG-43 a role claim beside roles from groups',
      { oauth2: `${ISSUER}\nRoleClaim = role`, authorization: 'UserRoleGroupMapping = true' },
      'line 10: OAuth2.RoleClaim is ignored while Authorization.UserRoleGroupMapping is on',
    ],
    [
      'CFG-27 roles from a claim without a name',
      { authorization: 'UserRoleMapping = true' },
      'line 11: OAuth2.RoleClaim is missing, so that Authorization.UserRoleMapping gives nobody a role',
    ],
    [
      'lists that map to roles while nothing is mapped',
      { authorization: 'ViewerRoleMapping = HR' },
      'line 11: Authorization.UserRoleMapping and Authorization.UserRoleGroupMapping are both off, so that the lists of role mapping have no effect',
    ],
    [
      'a placeholder of an example',
      { oauth2: 'OpenIDConnectIssuer = "https://login.microsoftonline.com/{tenant-id}/v2.0"' },
      'line 9: OAuth2.OpenIDConnectIssuer still holds the placeholder of an example: nobody can log in',
    ],
    [
      'a required username claim with Google',
      { oauth2: 'RequireUsernameClaim = true' },
      'line 9: OAuth2.RequireUsernameClaim is on, but Google sends no username: nobody can log in',
    ],
    [
      'groups made at login with Google',
      { oauth2: 'GroupsAutoProvision = true' },
      'line 9: OAuth2.GroupsAutoProvision has no effect where groups are managed here: with Google, or with an empty OAuth2.GroupsClaim',
    ],
    [
      'a login without PKCE',
      { oauth2: `${ISSUER}\nUsePKCE = false` },
      'line 10: OAuth2.UsePKCE has no effect: Proof Key for Code Exchange is always used',
    ],
    [
      'a session that would end before it is inactive',
      { more: '[Authentication]\nLifetime = 1h\nInactivity = 2h' },
      'line 14: Authentication.Inactivity is longer than Authentication.Lifetime and has no effect',
    ],
  ])('%s', (_, lines, warning) => {
    expect(warnings(file(lines))).toEqual([warning])
  })

  it('CFG-44 CFG-45 not when the advice is followed', () => {
    expect(
      warnings(
        file({
          oauth2: `${ISSUER}\nRegisterOnFirstLogin = false\nGroupsClaim = ""`,
          authorization: 'UserInfoEditableBy = Admin\nUserGroups = false',
        }),
      ),
    ).toEqual([])
  })

  it('Google without a list of who may log in', () => {
    const text = file({ oauth2: '' }).replace('AllowedDomain = company.com', '')
    expect(warnings(text)).toEqual([
      'OAuth2.AllowedDomain and OAuth2.AllowedEmail are both missing: everybody with a Google account can log in',
    ])
  })

  it('a file without an address is for this machine, where http is permitted', () => {
    const settings = settingsFrom('[HTTP]\nListen = 127.0.0.1:4040', SECTIONS)
    expect(settings.get(ServerSettings).url.href).toBe('http://localhost:4040/')
    expect(settings.get(HttpSettings).port).toBe(4040)
    expect(settings.get(AuthenticationSettings).provider).toBeUndefined()
    expect(settings.warnings.map(settingsSentence)).toEqual([
      'Server.Address is missing: the server can be used from this machine only, at http://localhost and the port of HTTP.Listen',
      'Authentication.Provider is missing: nobody can log in; there are bootstrap and API keys only',
    ])
    expect(faults('[Server]\nAddress = http://localhost:3939')).toEqual([
      'line 2: Server.Address must be https; http is permitted by Development.Loopback only',
    ])
  })

  it('CFG-06 CFG-07 a client without a provider means oauth2, which needs the rest', () => {
    const text = file({}).replace('Provider = "oauth2"', '')
    expect(settingsFrom(text, SECTIONS).get(AuthenticationSettings).provider).toBe('oauth2')
    expect(warnings(text)).toEqual([
      'line 6: Authentication.Provider is missing; as [OAuth2] names a client or an issuer, oauth2 is meant',
    ])
    expect(faults('[Authentication]\nProvider = oauth2')).toEqual([
      'OAuth2.ClientId is missing; Authentication.Provider = oauth2 needs it',
      'OAuth2.ClientSecret and OAuth2.ClientSecretFile are both missing; Authentication.Provider = oauth2 needs one of them',
    ])
  })

  it('what only Posit Connect has, each once and with its line, whatever its form', () => {
    const text = file({
      more: [
        '[Python]',
        'Enabled = true',
        'Executable =',
        'Half a line',
        '[RPackageRepository "CRAN"]',
        'URL = https://cran.example',
        '[RPackageRepository "RSPM"]',
        'URL = https://rspm.example',
        '[server]',
        'SenderEmail =',
        'DataDir = /var/lib/rstudio-connect',
        'datadir = /data',
        '[Http]',
        'ForceSecure = true',
        '[Authorization]',
        'PublishersCanManageVanities = true',
        '[Bootstrap]',
        'SecretKeyFile = /etc/key',
        '[applications]',
        'OAuthIntegrationsEnabled = true',
        'MostPermissiveAccessType = logged_in',
      ].join('\n'),
    })
    expect(faults(text)).toEqual([])
    expect(warnings(text)).toEqual([
      'line 12: Python is a section of Posit Connect that has no meaning here',
      'line 16: RPackageRepository is a section of Posit Connect that has no meaning here',
      'line 22: server.DataDir is a setting of Posit Connect that has no meaning here',
      'line 25: Http.ForceSecure is a setting of Posit Connect that has no meaning here',
      'line 27: Authorization.PublishersCanManageVanities is a setting of Posit Connect that has no meaning here',
      'line 29: Bootstrap.SecretKeyFile is a setting of Posit Connect that has no meaning here',
      'line 31: applications.OAuthIntegrationsEnabled is a setting of Posit Connect that has no meaning here',
    ])
    expect(settingsFrom(text, SECTIONS).get(ApplicationsSettings)).toMatchObject({
      mostPermissiveAccessType: 'logged_in',
      adminMostPermissiveAccessType: 'all',
    })
  })

  it('no name of Connect’s is one of ours', () => {
    for (const section of SECTIONS) {
      const { name } = sectionOf(section)
      expect(isConnectSection(name)).toBe(false)
      const ours = settingsOf(section).map((setting) => setting.name.toLowerCase())
      for (const setting of CONNECT_NAMES.settings[name] ?? []) expect(ours).not.toContain(setting.toLowerCase())
    }
  })
})

describe('what the documentation says', () => {
  const docs = (name: string) => readFileSync(join(import.meta.dirname, '../../../../docs', name), 'utf8')

  it('CFG-48 CFG-49 the example for Entra requires a username, and offers groups made at login with a remark', () => {
    const entra = docs('examples/entra.gcfg')
    expect(entra).toMatch(/^RequireUsernameClaim = true$/m)
    expect(entra).toMatch(
      /^; Enable this .*unless\n; managing a large number of groups.*\n;GroupsAutoProvision = true$/m,
    )
  })

  it('CFG-50 each application has credentials of its own', () => {
    expect(docs('config.md')).toContain('credentials of its own')
  })
})
