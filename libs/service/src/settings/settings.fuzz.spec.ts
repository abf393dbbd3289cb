import fc from 'fast-check'
import { CONNECT_NAMES } from './connect-names.js'
import { parseGcfg } from './gcfg.js'
import { loadSettings, SECTIONS, SettingsError, settingsFrom, settingsSentence } from './load-settings.js'
import { OAuth2Settings } from './sections/index.js'
import { sectionOf, settingsOf, type SettingKind } from './setting.js'
import { readSetting } from './values.js'

/** Stands in every value, and must stand in no message. */
const MARK = 'zq7hidden'

const ours = SECTIONS.map((section) => sectionOf(section).name)
const names = [...SECTIONS.flatMap((section) => settingsOf(section).map(({ name }) => name)), 'DataDir', 'Colour', 'X']
const sections = [...ours, ...CONNECT_NAMES.sections.slice(0, 5), 'Colours']

const junk = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({
    unit: fc.constantFrom('"', '\\', ';', '#', '[', ']', '=', ' ', '\t', 'a', '1', '\u0000'),
    maxLength: 20,
  }),
)
const value = fc
  .tuple(fc.constantFrom('', '"', ' '), junk, fc.constantFrom('', '"', ' ; c'))
  .map(([before, text, after]) => `${before}${MARK}${text.replace(/[\r\n\u2028\u2029]/g, '')}${after}`)
const sound = fc.constantFrom('true', '"x"', '5m', 'https://a.example', ':80', '""', 'Admin', '12', 'groups', 'oauth2')
const line = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom(...sections).map((name) => `[${name}]`) },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom(...names), sound).map(([name, text]) => `${name} = ${text}`) },
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom(...names), value).map(([name, text]) => `${name} = ${text}`) },
  // Names are said, so that this must not look like one.
  { weight: 1, arbitrary: value.filter((text) => !/^\s*\w[\w-]{0,31}\s*=\s*[^\s=;#]/.test(text)) },
)
const file = fc.array(line, { maxLength: 30 }).map((lines) => lines.join('\n'))

/** What the settings say of themselves, or of their faults. */
function words(text: string, environment: NodeJS.ProcessEnv = {}): string {
  try {
    return settingsFrom(text, SECTIONS, { folder: '/nonexistent', environment }).warnings.map(settingsSentence).join()
  } catch (error) {
    if (error instanceof SettingsError) return error.message
    throw error
  }
}

describe('any file whatever', () => {
  it('is read, or refused by a SettingsError that holds no value of it', () => {
    fc.assert(
      fc.property(file, (text) => expect(words(text)).not.toContain(MARK)),
      { numRuns: 2000 },
    )
  })

  it('is parsed to entries and faults, whatever its characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        const { entries, faults } = parseGcfg(text)
        const lines = text.split(/\r\n|\n|\r/).length
        for (const { line: at } of [...entries, ...faults]) expect(at).toBeLessThanOrEqual(lines)
        expect(() => words(text)).not.toThrow()
      }),
      { numRuns: 1000 },
    )
  })

  it('is read alike in any case, and with sections in pieces', () => {
    const lines = fc.array(fc.tuple(fc.constantFrom('CustomScope', 'UsernameClaim'), fc.constantFrom('a', 'b', 'c')))
    const read = (text: string) => {
      const { customScope, usernameClaim } = settingsFrom(text, SECTIONS).get(OAuth2Settings)
      return { customScope, usernameClaim }
    }
    fc.assert(
      fc.property(lines, fc.boolean(), (pairs, upper) => {
        const plain = pairs.map(([name, text]) => `${name} = ${text}`)
        const other = plain.map((each) => `[${upper ? 'OAUTH2' : 'oauth2'}]\n${upper ? each.toUpperCase() : each}`)
        const whole = read(`[OAuth2]\n${plain.join('\n')}`)
        const pieces = read(other.join('\n').replace(/= ([ABC])/g, (_, letter: string) => `= ${letter.toLowerCase()}`))
        expect(pieces).toEqual(whole)
        expect(whole.customScope).toEqual(pairs.filter(([name]) => name === 'CustomScope').map(([, text]) => text))
      }),
    )
  })

  it('CFG-03 gives back every text that was quoted', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const printable = text.replace(/[\r\n]/g, '')
        const quoted = printable.replace(/["\\]/g, (character) => `\\${character}`)
        const [entry] = parseGcfg(`[A]\nB = "${quoted}" # comment`).entries
        expect(entry?.value).toBe(printable)
      }),
    )
  })
})

describe('any environment whatever', () => {
  it('is read, or refused by a SettingsError that holds no value of it', () => {
    const variables = SECTIONS.flatMap((section) =>
      settingsOf(section).map(({ name }) => `KEYBEARER_${sectionOf(section).name}_${name}`.toUpperCase()),
    )
    const environment = fc.dictionary(fc.constantFrom(...variables, 'KEYBEARER_SERVER_X'), fc.oneof(value, sound))
    fc.assert(
      fc.property(environment, (each) => expect(words('', each)).not.toContain(MARK)),
      { numRuns: 500 },
    )
  })
})

describe('any value whatever', () => {
  it('of any kind is read, or refused with a problem that does not hold it', () => {
    const kinds: SettingKind[] = ['string', 'bool', 'int', 'decimal', 'duration', 'size', 'secret']
    fc.assert(
      fc.property(fc.constantFrom(...kinds), fc.string(), (kind, text) => {
        const result = readSetting(kind, `${MARK}${text}`)
        if ('problem' in result) expect(result.problem).not.toContain(MARK)
        else expect(['string', 'secret']).toContain(kind)
      }),
    )
  })
})

it('a settings file that is not there is a SettingsError', () => {
  expect(() => loadSettings('/nonexistent/keybearer.gcfg', SECTIONS, {})).toThrow(SettingsError)
})
