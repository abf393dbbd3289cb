import { DomainError, type AuthType } from '#libs/contracts'
import { templateById } from '../template/registry.js'
import type { Config, Parsed } from '../template/template.js'

/** What of an integration a change of its config rests on. */
export interface Configured {
  readonly template: string
  readonly authType: AuthType
  readonly config: Config
  readonly clientSecretReference: string | null
}

export interface Revision {
  /** May be named as long as it is the same. */
  readonly template?: string | undefined
  /** Replaces the keys that it names, and no others; `null` and `''` clear one that may be missing. */
  readonly config?: Readonly<Record<string, unknown>> | undefined
}

/**
 * An integration's form with some answers changed, checked as a whole. A secret that is not named stays.
 * @throws DomainError `integration.template_fixed`, `integration.config_invalid`
 */
export function revise(
  { template, authType, config, clientSecretReference }: Configured,
  { template: named, config: changes = {} }: Revision,
  { loopback }: { loopback: boolean },
): Parsed {
  if (named !== undefined && named !== template) throw fixed('template')
  if ('auth_type' in changes && changes.auth_type !== authType) throw fixed('auth_type')
  const hasSecret = clientSecretReference !== null && !('client_secret' in changes)
  return templateById(template).parse({ ...config, ...changes }, { loopback, hasSecret })
}

const fixed = (key: string): DomainError =>
  new DomainError(
    'invalid',
    'integration.template_fixed',
    `The ${key} of an OAuth integration cannot change; create another integration instead.`,
  )
