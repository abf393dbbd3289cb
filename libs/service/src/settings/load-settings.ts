import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { validateSync } from 'class-validator'
import { Secret } from '#libs/contracts'
import { type Gcfg, type GcfgEntry, parseGcfg, type SettingsFault } from './gcfg.js'
import { PrivateFileError, readPrivateFile } from './private-file.js'
import { SETTINGS_RULES } from './rules.js'
import { AuthenticationSettings } from './sections/authentication.js'
import { AuthorizationSettings } from './sections/authorization.js'
import { BootstrapSettings } from './sections/bootstrap.js'
import { ContentSettings } from './sections/content.js'
import { DevelopmentSettings } from './sections/development.js'
import { ExchangeSettings } from './sections/exchange.js'
import { HttpSettings } from './sections/http.js'
import { OAuth2Settings } from './sections/oauth2.js'
import { ServerSettings } from './sections/server.js'
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
  ExchangeSettings,
]

/** Everything that is wrong with a settings file, in one message; it holds no value of the file. */
export class SettingsError extends Error {
  constructor(readonly faults: readonly SettingsFault[]) {
    super(['The settings are refused:', ...faults.map(sentence)].join('\n  '))
    this.name = 'SettingsError'
  }
}

/** The chosen sections, read once and frozen. */
export class Settings {
  readonly #sections: ReadonlyMap<SectionClass, object>

  constructor(sections: ReadonlyMap<SectionClass, object>) {
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

/**
 * Reads the settings file, checks all of it and keeps the chosen sections.
 * @throws SettingsError with every fault
 */
export function loadSettings(file: string, chosen: readonly SectionClass[]): Settings {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new SettingsError([{ problem: `the file ${file} cannot be read (${(error as NodeJS.ErrnoException).code})` }])
  }
  return settingsFrom(text, chosen, dirname(resolve(file)))
}

/**
 * As `loadSettings`, from a text.
 * @param folder where relative paths start
 */
export function settingsFrom(text: string, chosen: readonly SectionClass[], folder = process.cwd()): Settings {
  const gcfg = parseGcfg(text)
  const faults = [...gcfg.faults, ...unknownNames(gcfg)]
  const lines = new Map<string, number>()
  const sections = new Map<SectionClass, object>()
  const sound = new Set<SectionClass>()
  for (const section of SECTIONS) {
    const before = faults.length
    const values = readSection(section, gcfg.entries, lines, faults)
    validate(section, values, lines, faults)
    sections.set(section, values)
    if (faults.length === before) sound.add(section)
  }
  // A rule over a section that is broken in itself would only repeat that.
  const get = <T extends object>(section: SectionClass<T>): T => sections.get(section) as T
  for (const { over, settings, bad, message } of SETTINGS_RULES) {
    if (!over.every((section) => sound.has(section)) || !bad(get)) continue
    const line = settings.map((setting) => lines.get(setting.toLowerCase())).find((found) => found !== undefined)
    const [section, setting] = settings[0]!.split('.') as [string, string]
    faults.push({ ...(line && { line }), section, setting, problem: message })
  }
  if (chosen.includes(OAuth2Settings)) readSecretFile(get(OAuth2Settings), folder, lines, faults)
  if (faults.length > 0) throw new SettingsError(faults.toSorted((a, b) => (a.line ?? Infinity) - (b.line ?? Infinity)))
  return new Settings(new Map(chosen.map((section) => [section, Object.freeze(get(section))])))
}

function unknownNames(gcfg: Gcfg): SettingsFault[] {
  const known = new Map(SECTIONS.map((section) => [sectionOf(section).name.toLowerCase(), section]))
  const faults: SettingsFault[] = []
  for (const { section, subsection, line } of gcfg.headers) {
    if (!known.has(section.toLowerCase())) faults.push({ line, section, problem: 'is not a section that we know' })
    else if (subsection !== '') faults.push({ line, section, problem: 'takes no name in quotes' })
  }
  for (const { section, name, line } of gcfg.entries) {
    const found = known.get(section.toLowerCase())
    if (found && !settingsOf(found).some((setting) => setting.name.toLowerCase() === name.toLowerCase())) {
      faults.push({ line, section, setting: name, problem: 'is not a setting that we know' })
    }
  }
  return faults
}

function readSection(
  section: SectionClass,
  entries: readonly GcfgEntry[],
  lines: Map<string, number>,
  faults: SettingsFault[],
): object {
  const values = new section() as Record<string, unknown>
  const { name: sectionName } = sectionOf(section)
  for (const setting of settingsOf(section)) {
    const own = entries.filter(
      (entry) =>
        entry.section.toLowerCase() === sectionName.toLowerCase() &&
        entry.name.toLowerCase() === setting.name.toLowerCase(),
    )
    if (own.length === 0) {
      if (setting.list) values[setting.property] = Object.freeze([...(values[setting.property] as unknown[])])
      continue
    }
    lines.set(key(sectionName, setting), own.at(-1)!.line)
    const read: unknown[] = []
    for (const { value, line } of own) {
      const result = readSetting(setting.kind, value)
      if ('problem' in result) faults.push({ line, section: sectionName, setting: setting.name, ...result })
      else read.push(result.value)
    }
    if (setting.list) values[setting.property] = Object.freeze(read)
    else if (read.length > 0) values[setting.property] = read.at(-1)
  }
  return values
}

function validate(section: SectionClass, values: object, lines: Map<string, number>, faults: SettingsFault[]): void {
  const { name: sectionName } = sectionOf(section)
  for (const error of validateSync(values, { forbidUnknownValues: false })) {
    const setting = settingsOf(section).find(({ property }) => property === error.property)
    if (!setting) continue
    const line = lines.get(key(sectionName, setting))
    const missing = line === undefined && error.value === undefined
    // What class-validator says itself begins with the property's name.
    const problem = missing
      ? 'is missing'
      : (Object.values(error.constraints ?? {})[0] ?? 'is invalid').replace(`${error.property} `, '')
    if (faults.some((fault) => fault.section === sectionName && fault.setting === setting.name)) continue
    faults.push({ ...(line && { line }), section: sectionName, setting: setting.name, problem })
  }
}

function readSecretFile(
  oauth2: OAuth2Settings,
  folder: string,
  lines: Map<string, number>,
  faults: SettingsFault[],
): void {
  if (oauth2.clientSecretFile === undefined || oauth2.clientSecret !== undefined) return
  const line = lines.get('oauth2.clientsecretfile')
  const fault = { ...(line && { line }), section: 'OAuth2', setting: 'ClientSecretFile' }
  try {
    const text = readPrivateFile(resolve(folder, oauth2.clientSecretFile)).replace(/\r?\n$/, '')
    if (text === '') faults.push({ ...fault, problem: 'names an empty file' })
    else oauth2.clientSecret = new Secret(text)
  } catch (error) {
    if (!(error instanceof PrivateFileError)) throw error
    faults.push({ ...fault, problem: `names a file that ${error.problem}` })
  }
}

const key = (section: string, setting: SettingDescription): string => `${section}.${setting.name}`.toLowerCase()

function sentence({ line, section, setting, problem }: SettingsFault): string {
  const place = [section, setting].filter((name) => name !== undefined).join('.')
  return [line !== undefined && `line ${line}:`, place, problem].filter(Boolean).join(' ')
}
