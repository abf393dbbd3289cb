import { DEPLOYMENT_VARIABLES } from './deployment.js'
import { overridesOf, variableOf } from './environment.js'
import { SECTIONS, SettingsError, settingsFrom } from './load-settings.js'
import { AuthorizationSettings, OAuth2Settings, ServerSettings } from './sections/index.js'
import { settingsOf } from './setting.js'

const FILE = `[Server]
Address = https://file.example
[OAuth2]
ClientId = keybearer
ClientSecret = of-the-file
FirstNameClaim = first
CustomScope = a
CustomScope = b
`

const load = (environment: NodeJS.ProcessEnv) => settingsFrom(FILE, SECTIONS, { environment })

function faults(environment: NodeJS.ProcessEnv): string[] {
  try {
    load(environment)
  } catch (error) {
    if (error instanceof SettingsError) return error.message.split('\n  ').slice(1)
    throw error
  }
  return []
}

describe('settings from the environment', () => {
  it('take the place of the file’s: single ones as they are, lists one a line, empty ones as empty', () => {
    const settings = load({
      KEYBEARER_SERVER_ADDRESS: 'https://environment.example',
      KEYBEARER_OAUTH2_CLIENTSECRET: ' of the environment # not a comment',
      KEYBEARER_OAUTH2_FIRSTNAMECLAIM: '',
      KEYBEARER_OAUTH2_CUSTOMSCOPE: 'c\r\nd\n',
      KEYBEARER_OAUTH2_ALLOWEDDOMAIN: '',
      KEYBEARER_AUTHORIZATION_VIEWERROLEMAPPING: 'Human resources\nMarketing',
      KEYBEARER_AUTHORIZATION_USERROLEMAPPING: 'true',
    })
    expect(settings.get(ServerSettings).address).toBe('https://environment.example')
    expect(settings.get(OAuth2Settings)).toMatchObject({
      firstNameClaim: '',
      customScope: ['c', 'd'],
      allowedDomain: [],
    })
    expect(settings.get(OAuth2Settings).clientSecret?.reveal()).toBe(' of the environment # not a comment')
    expect(settings.get(AuthorizationSettings).viewerRoleMapping).toEqual(['Human resources', 'Marketing'])
  })

  it('take away what the file says when they are empty and the setting may be absent', () => {
    const secret = load({ KEYBEARER_OAUTH2_CLIENTSECRET: '', KEYBEARER_OAUTH2_CLIENTID: '' }).get(OAuth2Settings)
    expect([secret.clientSecret, secret.clientId, secret.firstNameClaim]).toEqual([undefined, undefined, 'first'])
    expect(faults({ KEYBEARER_OAUTH2_CLIENTSECRET: '', KEYBEARER_OAUTH2_CLIENTSECRETFILE: '/nowhere/hidden' })).toEqual(
      ['KEYBEARER_OAUTH2_CLIENTSECRETFILE: OAuth2.ClientSecretFile names a file that cannot be read (ENOENT)'],
    )
  })

  it('count as given: an address, and a secret beside its file', () => {
    expect(
      load({ KEYBEARER_SERVER_ADDRESS: 'https://a.example' }).warnings.map(({ setting }) => setting),
    ).not.toContain('Address')
    expect(faults({ KEYBEARER_OAUTH2_CLIENTSECRETFILE: '/hidden' })).toEqual([
      'line 5: OAuth2.ClientSecret and OAuth2.ClientSecretFile exclude each other',
    ])
  })

  it('have faults that name the variable, and no value', () => {
    const all = faults({
      KEYBEARER_OAUTH2_LOGGING: 'hidden',
      KEYBEARER_SERVER_ADDRESS: 'hidden',
      KEYBEARER_SERVER_COLOUR: 'hidden',
      KEYBEARER_SERVER_SENDEREMAIL: 'hidden',
      KEYBEARER_OAUTH2_CUSTOMSCOPE: 'hidden hidden',
    })
    expect(all.toSorted()).toEqual([
      'KEYBEARER_OAUTH2_CUSTOMSCOPE: OAuth2.CustomScope must be one scope a line, without spaces',
      'KEYBEARER_OAUTH2_LOGGING: OAuth2.Logging must be true or false',
      'KEYBEARER_SERVER_ADDRESS: Server.Address must be an http or https URL without user, query and fragment',
      'KEYBEARER_SERVER_COLOUR: Server has no such setting',
      'KEYBEARER_SERVER_SENDEREMAIL: Server has no such setting',
    ])
  })

  it('leave alone what is not ours, and what says where a process stands', () => {
    expect(load({ PATH: '/bin', KEYBEARER_E2E_KEEP: '1', SERVER_ADDRESS: 'x' }).get(ServerSettings).address).toBe(
      'https://file.example',
    )
    const names = SECTIONS.flatMap((section) => settingsOf(section).map((setting) => variableOf(section, setting)))
    expect(new Set(names).size).toBe(names.length)
    for (const name of DEPLOYMENT_VARIABLES) {
      expect(names).not.toContain(name)
      expect(overridesOf(SECTIONS, { [name]: 'x' })).toEqual({ overrides: [], faults: [] })
    }
  })
})
