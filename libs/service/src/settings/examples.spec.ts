import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { loadSettings, SECTIONS, settingsSentence } from './load-settings.js'
import {
  ApplicationsSettings,
  AuthenticationSettings,
  AuthorizationSettings,
  OAuth2Settings,
  ServerSettings,
} from './sections/index.js'

const FOLDER = join(import.meta.dirname, '../../../../docs/examples')
const load = (name: string) => loadSettings(join(FOLDER, `${name}.gcfg`), SECTIONS, {})
const warnings = (name: string) => load(name).warnings.map(settingsSentence)

const LOCAL =
  'Server.Address is missing: the server can be used from this machine only, at http://localhost and the port of HTTP.Listen'

describe('the examples of settings files start as they stand', () => {
  it.each(readdirSync(FOLDER))('I13 %s', (file) => {
    expect(() => loadSettings(join(FOLDER, file), SECTIONS, {})).not.toThrow()
  })

  it('CFG-01 CFG-02 CFG-06 CFG-17 Google', () => {
    const settings = load('google')
    expect(settings.get(AuthenticationSettings).provider).toBe('oauth2')
    expect(settings.get(OAuth2Settings)).toMatchObject({
      isGoogle: true,
      clientId: 'client-google',
      allowedDomain: ['company.com'],
      logging: false,
    })
    expect(warnings('google')).toEqual([LOCAL])
  })

  it('CFG-16 CFG-48 Entra', () => {
    const settings = load('entra')
    expect(settings.get(OAuth2Settings)).toMatchObject({
      isGoogle: false,
      issuer: 'https://login.microsoftonline.com/{tenant-id}/v2.0',
      requireUsernameClaim: true,
      groupsAutoProvision: false,
    })
    expect(warnings('entra')).toEqual([
      'line 7: OAuth2.OpenIDConnectIssuer still holds the placeholder of an example: nobody can log in',
      LOCAL,
    ])
  })

  it('CFG-47 Databricks', () => {
    expect(load('databricks').get(ServerSettings).origin).toBe('https://connect.example.org')
    expect(warnings('databricks')).toEqual([
      'Authentication.Provider is missing: nobody can log in; there are bootstrap and API keys only',
    ])
  })

  it('a site of Connect', () => {
    const settings = load('connect-site')
    expect(settings.get(AuthorizationSettings).administratorRoleMapping).toEqual(['Dev-Leaders', 'IT-Administrators'])
    expect(settings.get(AuthenticationSettings)).toMatchObject({
      lifetimeMs: 168 * 3_600_000,
      inactivityMs: 43_200_000,
    })
    expect(settings.get(ApplicationsSettings).widestFor('publisher')).toBe('all')
    const said = warnings('connect-site')
    for (const name of [
      'Server.SenderEmail',
      'Http.NoWarning',
      'Authentication.Name',
      'RPackageRepository',
      'Python',
    ]) {
      expect(said.filter((sentence) => sentence.includes(` ${name} is `))).toHaveLength(1)
    }
    expect(said.filter((sentence) => !sentence.includes('of Posit Connect'))).toEqual([])
  })
})
