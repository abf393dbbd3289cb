import { Secret, type AuthType } from '#libs/contracts'
import { questionsOf } from './questions.js'
import {
  AUTH_MODES,
  configFault,
  type Application,
  type Config,
  type ParseOptions,
  type Parsed,
  type Question,
  type Resolved,
  type Template,
  type TemplateDefinition,
} from './template.js'
import { isVisible } from './visibility.js'

/** A template from what is particular to a vendor; what is common to all is added and checked here. */
export function defineTemplate(definition: TemplateDefinition): Template {
  const { id, displayName, description, guide = id, authModes = AUTH_MODES } = definition
  const authTypes = Object.keys(definition.authTypes) as AuthType[]
  const questions = questionsOf(definition, authTypes, authModes)
  const names = [...new Set(questions.map(({ name }) => name))]

  function parse(given: Record<string, unknown>, options: ParseOptions): Parsed {
    const unknown = Object.keys(given).find((key) => !names.includes(key))
    if (unknown !== undefined) throw unknownKey(unknown, questions, names)
    const config: Record<string, string | boolean> = {}
    let clientSecret: Secret | undefined
    for (const name of names) {
      const variants = questions.filter((question) => question.name === name)
      const asked = variants.find(({ visible }) => isVisible(visible, config))
      const question = asked ?? variants[0]!
      const value = answer(question, given[name], asked !== undefined, options)
      if (value === undefined) continue
      if (!question.secret) config[name] = value
      else if (asked) clientSecret = new Secret(String(value))
      else throw notASecretHere(name, config)
    }
    return { authType: config.auth_type as AuthType, config, clientSecret }
  }

  function resolve(config: Config): Resolved {
    const authType = (config.auth_type ?? authTypes[0]) as AuthType
    const application = definition.authTypes[authType] ?? null
    const { quirks = [], issues } = definition
    return {
      authorizationServer: definition.authorizationServer(config),
      client: application && clientOf(application, config),
      quirks: typeof quirks === 'function' ? quirks(config) : quirks,
      ...(issues && { issues: issues(config) }),
    }
  }

  return { id, displayName, description, guide, authTypes, authModes, questions, parse, resolve }
}

function answer(
  { name, required, choices, must, parse, default: otherwise }: Question,
  given: unknown,
  asked: boolean,
  options: ParseOptions,
): string | boolean | undefined {
  if (given === undefined || given === null || given === '') {
    if (!asked || !required) return asked ? otherwise : undefined
    if (name === 'client_secret' && options.hasSecret) return undefined
    throw configFault(name, choices ? `must be ${must}` : 'is required')
  }
  const parsed = parse(given, options)
  if ('fault' in parsed) throw configFault(name, parsed.fault)
  return parsed.value
}

function unknownKey(key: string, questions: readonly Question[], names: readonly string[]) {
  const meant = questions.find(({ wrongNames }) => wrongNames.includes(key))
  if (meant) return configFault(key, `is called ${meant.name} here`)
  // The key is the caller's own text: only one that could be a key is repeated.
  const repeatable = /^\w{1,64}$/.test(key) ? key : 'that was given'
  return configFault(repeatable, `is not one of this template: (${names.join(', ')})`)
}

const notASecretHere = (name: string, config: Config) =>
  configFault(
    name,
    config.auth_mode === 'Public' ? 'must be left out when auth_mode is Public' : 'must be left out here',
  )

function clientOf({ scopes, tokenEndpointAuthMethod }: Application, config: Config): Resolved['client'] {
  const method =
    typeof tokenEndpointAuthMethod === 'function' ? tokenEndpointAuthMethod(config) : tokenEndpointAuthMethod
  return {
    client_id: String(config.client_id),
    scope: String(config.scopes ?? scopes),
    token_endpoint_auth_method: config.auth_mode === 'Public' ? 'none' : method,
    ...(config.own_callback === true && { own_callback: true }),
  }
}
