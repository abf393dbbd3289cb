import {
  DomainError,
  Secret,
  type AuthType,
  type AuthorizationServer,
  type ClientRegistration,
  type Quirk,
} from '#libs/contracts'
import type { Field } from './fields.js'

/** What an administrator gave, flat, by the names of the API. Secrets are never in it once it is parsed. */
export type Config = Readonly<Record<string, string | boolean>>

export interface ParseOptions {
  /** `[Development] Loopback`: http and loopback addresses may be named. */
  readonly loopback: boolean
  /** The vault keeps a client secret already: a form need not bring it again. */
  readonly hasSecret?: boolean
}

/** A form that was filled in correctly. */
export interface Parsed {
  readonly authType: AuthType
  readonly config: Config
  readonly clientSecret: Secret | undefined
}

/** What the form means in the words of RFC 8414 and RFC 7591. */
export interface Resolved {
  readonly authorizationServer: AuthorizationServer
  readonly client: Omit<ClientRegistration, 'client_secret_reference'>
  readonly quirks: readonly Quirk[]
}

/** What a vendor's form asks and what its answers mean. One file a vendor. */
export interface Template {
  readonly id: string
  readonly displayName: string
  /** @throws DomainError `integration.config_invalid` naming the key, never its value */
  parse(given: Record<string, unknown>, options: ParseOptions): Parsed
  resolve(config: Config): Resolved
}

export interface TemplateDefinition {
  readonly id: string
  readonly displayName: string
  /** Beside these, every template has `client_id`, `client_secret`, `scopes`, `auth_type` and `auth_mode`. */
  readonly fields: Readonly<Record<string, Field>>
  /** What a combination of answers still lacks: the key and what it must be. */
  readonly missing?: (config: Config) => readonly string[]
  readonly resolve: (config: Config) => Resolved
}

export function configFault(key: string, must: string): DomainError {
  return new DomainError('invalid', 'integration.config_invalid', `The config key ${key} ${must}`)
}
