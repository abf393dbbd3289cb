import { Secret, type AuthType } from '#libs/contracts'
import { choice, text, type Field } from './fields.js'
import {
  configFault,
  type Config,
  type ParseOptions,
  type Parsed,
  type Template,
  type TemplateDefinition,
} from './template.js'

const COMMON: Readonly<Record<string, Field>> = {
  auth_type: choice(['Viewer', 'Service Account'], { default: 'Viewer' }),
  auth_mode: choice(['Confidential', 'Public'], { default: 'Confidential' }),
  client_id: text({ required: true }),
  client_secret: text({ secret: true }),
  scopes: text(),
}

/** A template from what is particular to a vendor; what is common to all is added and checked here. */
export function defineTemplate({ id, displayName, fields: own, missing, resolve }: TemplateDefinition): Template {
  const fields: Readonly<Record<string, Field>> = { ...COMMON, ...own }

  function parse(given: Record<string, unknown>, options: ParseOptions): Parsed {
    const unknown = Object.keys(given).find((key) => !Object.hasOwn(fields, key))
    if (unknown !== undefined) {
      // The key is the caller's own text: only one that could be a key is repeated.
      const key = /^\w{1,64}$/.test(unknown) ? unknown : 'that was given'
      throw configFault(key, `is not one of this template: (${Object.keys(fields).join(', ')})`)
    }
    const config: Record<string, string | boolean> = {}
    let clientSecret: Secret | undefined
    for (const [key, field] of Object.entries(fields)) {
      const value = answer(key, field, given[key], options)
      if (value === undefined) continue
      if (field.secret) clientSecret = new Secret(String(value))
      else config[key] = value
    }
    checkMode(config, clientSecret, options)
    const [lacking] = missing?.(config) ?? []
    if (lacking) throw configFault(lacking, 'is required')
    return { authType: config.auth_type as AuthType, config, clientSecret }
  }

  return { id, displayName, parse, resolve }
}

function answer(key: string, field: Field, given: unknown, options: ParseOptions): string | boolean | undefined {
  if (given === undefined || given === null || given === '') {
    if (field.required) throw configFault(key, 'is required')
    return field.default
  }
  const parsed = field.parse(given, options)
  if ('fault' in parsed) throw configFault(key, parsed.fault)
  return parsed.value
}

function checkMode(config: Config, clientSecret: Secret | undefined, { hasSecret = false }: ParseOptions): void {
  if (config.auth_mode === 'Confidential') {
    if (!clientSecret && !hasSecret) throw configFault('client_secret', 'is required')
    return
  }
  if (clientSecret) throw configFault('client_secret', 'must be left out when auth_mode is Public')
  if (config.auth_type === 'Service Account') {
    throw configFault('auth_mode', 'must be Confidential for a Service Account integration')
  }
}
