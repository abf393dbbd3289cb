import { DEPLOYMENT_VARIABLES } from './deployment.js'
import type { SettingsFault } from './gcfg.js'
import { type SectionClass, sectionOf, type SettingDescription, settingsOf } from './setting.js'

/** A setting's value from the environment, which takes the place of all its lines in the file. */
export interface Override {
  readonly section: SectionClass
  readonly setting: SettingDescription
  readonly variable: string
  /** One of a single setting; of a list one a line of the variable, none when it is empty. */
  readonly values: readonly string[]
}

/** The variable that overrides a setting: `KEYBEARER_SERVER_ADDRESS` for `[Server] Address`. */
export const variableOf = (section: SectionClass, setting: SettingDescription): string =>
  `${prefixOf(section)}${setting.name.toUpperCase()}`

const prefixOf = (section: SectionClass): string => `KEYBEARER_${sectionOf(section).name.toUpperCase()}_`

/** Finds the settings in the environment. A variable that begins like one of a section and is none is a fault. */
export function overridesOf(
  sections: readonly SectionClass[],
  environment: NodeJS.ProcessEnv,
): { overrides: readonly Override[]; faults: readonly SettingsFault[] } {
  const overrides: Override[] = []
  const faults: SettingsFault[] = []
  for (const [variable, text] of Object.entries(environment)) {
    const section = sections.find((each) => variable.startsWith(prefixOf(each)))
    if (!section || text === undefined || DEPLOYMENT_VARIABLES.includes(variable)) continue
    const setting = settingsOf(section).find((each) => variableOf(section, each) === variable)
    if (!setting) {
      faults.push({ variable, section: sectionOf(section).name, problem: 'has no such setting' })
      continue
    }
    const values = setting.list ? text.split(/\r\n|\n|\r/).filter((line) => line !== '') : [text]
    overrides.push({ section, setting, variable, values })
  }
  return { overrides, faults }
}
