import 'reflect-metadata'

/**
 * How the text of a setting becomes a value: a duration is a number of milliseconds, a size one of bytes, a secret a
 * `Secret`.
 */
export type SettingKind = 'string' | 'bool' | 'int' | 'decimal' | 'duration' | 'size' | 'secret'

export interface SettingDescription {
  /** The name in the file. */
  readonly name: string
  /** The property that holds it. */
  readonly property: string
  readonly kind: SettingKind
  /** A list collects all its lines; of another setting the last line holds. */
  readonly list: boolean
  /** One sentence or two for the administrator; `docs/config.md` is made of these. */
  readonly description: string
}

export interface SectionDescription {
  readonly name: string
  readonly description: string
}

/** A class whose properties are the settings of one section. */
export type SectionClass<T extends object = object> = new () => T

const SECTION = 'keybearer:section'
const SETTINGS = 'keybearer:settings'

/** Declares the section of the settings file that the class stands for. */
export const Section =
  (name: string, description: string): ClassDecorator =>
  (target) =>
    Reflect.defineMetadata(SECTION, { name, description } satisfies SectionDescription, target)

/**
 * Declares one setting. Its name in the file is the property's with a capital first letter; a duration's property ends
 * in `Ms`, its name does not. The property's initial value is the default.
 */
export const Setting =
  (kind: SettingKind, description: string, options: { list?: boolean } = {}): PropertyDecorator =>
  (prototype, property) => {
    const key = String(property)
    const bare = kind === 'duration' ? key.replace(/Ms$/, '') : key
    const setting: SettingDescription = {
      name: bare[0]!.toUpperCase() + bare.slice(1),
      property: key,
      kind,
      list: options.list ?? false,
      description,
    }
    Reflect.defineMetadata(SETTINGS, [...settingsOf(prototype.constructor), setting], prototype.constructor)
  }

/** @throws Error for a class without `@Section` */
export function sectionOf(section: SectionClass): SectionDescription {
  const description = Reflect.getMetadata(SECTION, section) as SectionDescription | undefined
  if (!description) throw new Error(`${section.name} has no @Section`)
  return description
}

/** The settings of a section, in the order of the class. */
export const settingsOf = (section: object): readonly SettingDescription[] =>
  (Reflect.getOwnMetadata(SETTINGS, section) ?? []) as readonly SettingDescription[]
