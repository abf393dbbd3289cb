import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { validateSync } from 'class-validator'
import { Secret } from '#libs/contracts'
import { isConnectSection, isConnectSetting } from './connect-names.js'
import { decryptValue, EncryptedValueError, isEncrypted } from './encrypted-value.js'
import { type Override, overridesOf } from './environment.js'
import { type Gcfg, type GcfgEntry, parseGcfg, type SettingsFault } from './gcfg.js'
import { PrivateFileError, readPrivateFile } from './private-file.js'
import { SETTINGS_ADVICE, SETTINGS_RULES, type SettingsRule } from './rules.js'
import { ApplicationsSettings } from './sections/applications.js'
import { AuthenticationSettings } from './sections/authentication.js'
import { AuthorizationSettings } from './sections/authorization.js'
import { BootstrapSettings } from './sections/bootstrap.js'
import { ContentSettings } from './sections/content.js'
import { DevelopmentSettings } from './sections/development.js'
import { ExchangeSettings } from './sections/exchange.js'
import { HttpSettings } from './sections/http.js'
import { OAuth2Settings } from './sections/oauth2.js'
import { SafeSettings } from './sections/safe.js'
import { ServerSettings } from './sections/server.js'
import { readSecretKey, type SecretKey } from './secret-key.js'
import { type SectionClass, sectionOf, type SettingDescription, settingsOf } from './setting.js'
import { readSetting } from './values.js'

/** Every section there is. A process checks the whole file, whichever sections it uses. */
export const SECTIONS: readonly SectionClass[] = [
  ServerSettings,
  HttpSettings,
  AuthenticationSettings,
  OAuth2Settings,
  AuthorizationSettings,
  BootstrapSettings,
  DevelopmentSettings,
  ContentSettings,
  ApplicationsSettings,
  ExchangeSettings,
  SafeSettings,
]

/** Everything that is wrong with the settings, in one message; it holds no value of them. */
export class SettingsError extends Error {
  constructor(readonly faults: readonly SettingsFault[]) {
    super(['The settings are refused:', ...faults.map(settingsSentence)].join('\n  '))
    this.name = 'SettingsError'
  }
}

/** The chosen sections, read once and frozen. */
export class Settings {
  readonly #sections: ReadonlyMap<SectionClass, object>

  /** @param warnings what is odd in the file and does not stop the start; holds no value of it */
  constructor(
    sections: ReadonlyMap<SectionClass, object>,
    readonly warnings: readonly SettingsFault[] = [],
  ) {
    this.#sections = sections
  }

  /** @throws Error for a section that was not asked for when the settings were read */
  get<T extends object>(section: SectionClass<T>): T {
    const found = this.#sections.get(section)
    if (!found) throw new Error(`This process does not read the settings of ${section.name}.`)
    return found as T
  }

  get sections(): readonly SectionClass[] {
    return [...this.#sections.keys()]
  }
}

export interface SettingsSurroundings {
  /** Where relative paths start; the current folder unless told. */
  readonly folder?: string
  /** What may override the file; nothing unless told. */
  readonly environment?: NodeJS.ProcessEnv
}

/**
 * Reads the settings file and what overrides it, checks all of it and keeps the chosen sections.
 * @throws SettingsError with every fault
 */
export function loadSettings(
  file: string,
  chosen: readonly SectionClass[],
  environment: NodeJS.ProcessEnv = process.env,
): Settings {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new SettingsError([{ problem: `the file ${file} cannot be read (${(error as NodeJS.ErrnoException).code})` }])
  }
  return settingsFrom(text, chosen, { folder: dirname(resolve(file)), environment })
}

/** As `loadSettings`, from a text. */
export function settingsFrom(
  text: string,
  chosen: readonly SectionClass[],
  { folder = process.cwd(), environment = {} }: SettingsSurroundings = {},
): Settings {
  const gcfg = parseGcfg(text)
  const { overrides, faults: strangers } = overridesOf(SECTIONS, environment)
  const { faults, warnings } = judgeNames(gcfg)
  const reading = new Reading(gcfg.entries, overrides, [...faults, ...strangers])
  for (const section of SECTIONS) reading.read(section)
  reading.complete(folder)
  reading.openSecrets(chosen)
  for (const section of SECTIONS) reading.validate(section)
  reading.obey(SETTINGS_RULES)
  if (chosen.includes(OAuth2Settings)) reading.readClientSecretFile(folder)
  if (reading.faults.length > 0) throw new SettingsError(inOrder(reading.faults))
  const advice = SETTINGS_ADVICE.filter(({ bad }) => bad(reading.get, reading.given)).map(reading.brokenRule)
  return new Settings(
    new Map(chosen.map((section) => [section, Object.freeze(reading.get(section))])),
    Object.freeze(inOrder([...warnings, ...advice])),
  )
}

/** One sentence that names line or variable, section and setting, and never a value. */
export function settingsSentence({ line, variable, section, setting, problem }: SettingsFault): string {
  const place = [section, setting].filter((name) => name !== undefined).join('.')
  const where = variable ?? (line !== undefined && `line ${line}`)
  return [where && `${where}:`, place, problem].filter(Boolean).join(' ')
}

const inOrder = (faults: readonly SettingsFault[]): SettingsFault[] =>
  faults.toSorted((a, b) => (a.line ?? Infinity) - (b.line ?? Infinity))

/** Characters; no setting of ours or of Connect's has more. */
const LONGEST_NAME = 32

/** Sorts the file's unknown names into slips, which stop the start, and what only Connect has, which warns. */
function judgeNames(gcfg: Gcfg): { faults: SettingsFault[]; warnings: SettingsFault[] } {
  const ours = new Map(SECTIONS.map((section) => [sectionOf(section).name.toLowerCase(), section]))
  const isOurs = (section: string, setting = ''): boolean => {
    const found = ours.get(section.toLowerCase())
    return found !== undefined && settingsOf(found).some(({ name }) => name.toLowerCase() === setting.toLowerCase())
  }
  // Connect's lines may be of any form; and half a line may be half a secret, so that it is not named.
  const faults = gcfg.faults
    .filter(
      ({ section, setting }) => section === undefined || isOurs(section, setting) || !isConnects(section, setting),
    )
    .map(({ setting, ...fault }) =>
      setting && fault.section && isOurs(fault.section, setting) ? { ...fault, setting } : fault,
    )
  const warnings = new Map<string, SettingsFault>()
  const warn = (fault: SettingsFault): void => {
    const name = `${fault.section}.${fault.setting ?? ''}`.toLowerCase()
    if (!warnings.has(name)) warnings.set(name, fault)
  }
  for (const { section, subsection, line } of gcfg.headers) {
    if (isConnectSection(section)) {
      warn({ line, section, problem: 'is a section of Posit Connect that has no meaning here' })
    } else if (!ours.has(section.toLowerCase())) {
      faults.push({ line, section, problem: 'is not a section that we know' })
    } else if (subsection !== '') {
      faults.push({ line, section, problem: 'takes no name in quotes' })
    }
  }
  for (const { section, name: setting, value, line } of gcfg.entries) {
    if (!ours.has(section.toLowerCase()) || isOurs(section, setting)) continue
    if (isConnectSetting(section, setting)) {
      warn({ line, section, setting, problem: 'is a setting of Posit Connect that has no meaning here' })
    } else {
      // A long Base64 text that somebody has broken into lines looks like a name before its equals signs.
      const isName = setting.length <= LONGEST_NAME && !value.startsWith('=')
      faults.push(
        isName
          ? { line, section, setting, problem: 'is not a setting that we know' }
          : { line, section, problem: 'has a line that is no setting that we know' },
      )
    }
  }
  return { faults, warnings: [...warnings.values()] }
}

const isConnects = (section: string, setting: string | undefined): boolean =>
  isConnectSection(section) || (setting !== undefined && isConnectSetting(section, setting))

/** Who gives one of these means people to log in. */
const LOGIN_SETTINGS = [
  'OAuth2.ClientId',
  'OAuth2.ClientSecret',
  'OAuth2.ClientSecretFile',
  'OAuth2.OpenIDConnectIssuer',
]

/** Where a setting stands. */
type Origin = Pick<SettingsFault, 'line' | 'variable'>

/** The settings while they are read: what there is so far, and what is wrong with it. */
class Reading {
  readonly #sections = new Map<SectionClass, object>()
  readonly #origins = new Map<string, Origin>()
  /** Secrets that are left as they are, as this process does not need them. */
  readonly #sealed = new Set<string>()

  constructor(
    private readonly entries: readonly GcfgEntry[],
    private readonly overrides: readonly Override[],
    readonly faults: SettingsFault[],
  ) {}

  readonly get = <T extends object>(section: SectionClass<T>): T => this.#sections.get(section) as T

  readonly given = (setting: string): boolean => this.#origins.has(setting.toLowerCase())

  read(section: SectionClass): void {
    const values = new section() as Record<string, unknown>
    this.#sections.set(section, values)
    const { name: sectionName } = sectionOf(section)
    for (const setting of settingsOf(section)) {
      const lines = this.#linesOf(section, setting)
      if (!lines) {
        if (setting.list) values[setting.property] = Object.freeze([...(values[setting.property] as unknown[])])
        continue
      }
      this.#origins.set(key(sectionName, setting), lines.at(-1)?.origin ?? {})
      const read: unknown[] = []
      for (const { text, origin } of lines) {
        const result = readSetting(setting.kind, text)
        if ('problem' in result) this.#blame(sectionName, setting.name, result.problem, origin)
        else read.push(result.value)
      }
      if (setting.list) values[setting.property] = Object.freeze(read)
      else if (read.length > 0) values[setting.property] = read.at(-1)
    }
  }

  /** The texts of a setting: from the environment, else from the file; `undefined` when neither has it. */
  #linesOf(section: SectionClass, setting: SettingDescription): { text: string; origin: Origin }[] | undefined {
    const override = this.overrides.find((each) => each.section === section && each.setting === setting)
    if (override) {
      if (isUnset(override)) return undefined
      const origin = { variable: override.variable }
      this.#origins.set(key(sectionOf(section).name, setting), origin)
      return override.values.map((text) => ({ text, origin }))
    }
    const sectionName = sectionOf(section).name.toLowerCase()
    const own = this.entries.filter(
      (entry) => entry.section.toLowerCase() === sectionName && entry.name.toLowerCase() === setting.name.toLowerCase(),
    )
    return own.length > 0 ? own.map(({ value, line }) => ({ text: value, origin: { line } })) : undefined
  }

  /** What follows from other settings when it is not given itself. */
  complete(folder: string): void {
    const server = this.get(ServerSettings)
    if (!this.given('Server.Address')) server.address = `http://localhost:${this.get(HttpSettings).localPort}`
    if (!this.given('Authentication.Provider') && LOGIN_SETTINGS.some(this.given)) {
      this.get(AuthenticationSettings).provider = 'oauth2'
    }
    if (server.secretKeyFile !== '') server.secretKeyFile = resolve(folder, server.secretKeyFile)
  }

  /** Decrypts the secrets of the chosen sections. */
  openSecrets(chosen: readonly SectionClass[]): void {
    for (const section of SECTIONS) {
      const values = this.get(section) as Record<string, unknown>
      for (const setting of settingsOf(section)) {
        const value = values[setting.property]
        if (!(value instanceof Secret) || !isEncrypted(value.reveal())) continue
        const { name } = sectionOf(section)
        if (!chosen.includes(section)) this.#sealed.add(key(name, setting))
        else values[setting.property] = this.#open(value, name, setting.name) ?? value
      }
    }
  }

  #open(sealed: Secret, section: string, setting: string): Secret | undefined {
    const origin = this.#origins.get(`${section}.${setting}`.toLowerCase())
    try {
      return decryptValue(sealed.reveal(), this.#secretKey())
    } catch (error) {
      if (error instanceof EncryptedValueError) this.#blame(section, setting, error.message, origin)
      else if (error instanceof PrivateFileError) {
        const problem = `is encrypted, but Server.SecretKeyFile names a file that ${error.problem}`
        this.#blame(section, setting, problem, origin)
      } else throw error
      return undefined
    }
  }

  #secretKey(): SecretKey {
    return readSecretKey(this.get(ServerSettings).secretKeyFile)
  }

  validate(section: SectionClass): void {
    const { name: sectionName } = sectionOf(section)
    for (const error of validateSync(this.get(section), { forbidUnknownValues: false })) {
      const setting = settingsOf(section).find(({ property }) => property === error.property)
      if (!setting || this.#sealed.has(key(sectionName, setting))) continue
      if (this.faults.some((fault) => fault.section === sectionName && fault.setting === setting.name)) continue
      const origin = this.#origins.get(key(sectionName, setting))
      // What class-validator says itself begins with the property's name.
      const problem =
        origin === undefined && error.value === undefined
          ? 'is missing'
          : (Object.values(error.constraints ?? {})[0] ?? 'is invalid').replace(`${error.property} `, '')
      this.#blame(sectionName, setting.name, problem, origin)
    }
  }

  /** A rule over a section that is broken in itself would only repeat that. */
  obey(rules: readonly SettingsRule[]): void {
    const broken = new Set(this.faults.map(({ section }) => section?.toLowerCase()))
    const isSound = (section: SectionClass): boolean => !broken.has(sectionOf(section).name.toLowerCase())
    for (const rule of rules) {
      if (rule.over.every(isSound) && rule.bad(this.get, this.given)) this.faults.push(this.brokenRule(rule))
    }
  }

  readonly brokenRule = ({ settings, message }: SettingsRule): SettingsFault => {
    const origin = settings.map((name) => this.#origins.get(name.toLowerCase())).find((found) => found !== undefined)
    const [section, setting] = settings[0]!.split('.') as [string, string]
    return { ...origin, section, setting, problem: message }
  }

  readClientSecretFile(folder: string): void {
    const oauth2 = this.get(OAuth2Settings)
    const { clientSecretFile } = oauth2
    if (!clientSecretFile || oauth2.clientSecret !== undefined) return
    const [section, setting] = ['OAuth2', 'ClientSecretFile']
    const origin = this.#origins.get('oauth2.clientsecretfile')
    try {
      const text = readPrivateFile(resolve(folder, clientSecretFile)).replace(/\r?\n$/, '')
      if (text === '') this.#blame(section, setting, 'names an empty file', origin)
      else oauth2.clientSecret = isEncrypted(text) ? this.#open(new Secret(text), section, setting) : new Secret(text)
    } catch (error) {
      if (!(error instanceof PrivateFileError)) throw error
      this.#blame(section, setting, `names a file that ${error.problem}`, origin)
    }
  }

  #blame(section: string, setting: string, problem: string, origin: Origin = {}): void {
    this.faults.push({ ...origin, section, setting, problem })
  }
}

/** An empty variable takes away what the file says, where a setting may be absent. */
const isUnset = ({ section, setting, values }: Override): boolean =>
  !setting.list && values[0] === '' && (new section() as Record<string, unknown>)[setting.property] === undefined

const key = (section: string, setting: SettingDescription): string => `${section}.${setting.name}`.toLowerCase()
