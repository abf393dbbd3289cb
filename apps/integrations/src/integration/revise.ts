import { DomainError, type AuthType } from '#libs/contracts'
import { templateById } from '../template/registry.js'
import { configFault, type Config, type Parsed, type Resolved } from '../template/template.js'

/** What of an integration a change of its config rests on. */
export interface Configured {
  readonly template: string
  readonly authType: AuthType
  readonly config: Config
  readonly clientSecretReference: string | null
  /** Whether that one was given with this change. */
  readonly isSecretNew?: boolean
}

export interface Revision {
  /** May be named as long as it is the same. */
  readonly template?: string | undefined
  /** Replaces the keys that it names, and no others; `null` and `''` clear one that may be missing. */
  readonly config?: Readonly<Record<string, unknown>> | undefined
}

/**
 * An integration's form with some answers changed, checked as a whole. A secret that is not named stays, unless it would
 * be sent to another server than it has been given for.
 * @throws DomainError `integration.template_fixed`, `integration.config_invalid`
 */
export function revise(
  { template, authType, config, clientSecretReference, isSecretNew = false }: Configured,
  { template: named, config: changes = {} }: Revision,
  { loopback }: { loopback: boolean },
): Parsed {
  if (named !== undefined && named !== template) throw fixed('template')
  if ('auth_type' in changes && changes.auth_type !== authType) throw fixed('auth_type')
  const hasSecret = clientSecretReference !== null && !('client_secret' in changes)
  const form = templateById(template)
  const parsed = form.parse({ ...config, ...changes }, { loopback, hasSecret })
  if (hasSecret && !isSecretNew && parsed.config.auth_mode !== 'Public') {
    const known = placesOfSecret(form.resolve(config))
    if (placesOfSecret(form.resolve(parsed.config)).some((place) => !known.includes(place)))
      throw configFault('client_secret', 'must be given again: it would go to another server than it was given for.')
  }
  return parsed
}

/** The servers that are shown the client secret. */
const placesOfSecret = ({ authorizationServer }: Resolved): string[] =>
  [authorizationServer?.token_endpoint, authorizationServer?.revocation_endpoint]
    .filter((endpoint) => endpoint !== undefined)
    .map((endpoint) => new URL(endpoint).origin)

const fixed = (key: string): DomainError =>
  new DomainError(
    'invalid',
    'integration.template_fixed',
    `The ${key} of an OAuth integration cannot change; create another integration instead.`,
  )
