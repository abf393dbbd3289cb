import {
  DomainError,
  Secret,
  type AuthType,
  type AuthorizationServer,
  type ClientRegistration,
  type IssuedToken,
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
  /** `null` where nothing outside the house is asked for authorization. */
  readonly authorizationServer: AuthorizationServer | null
  readonly client: Omit<ClientRegistration, 'client_secret_reference'> | null
  readonly quirks: readonly Quirk[]
  /** Absent: the provider's access token itself is given out. */
  readonly issues?: IssuedToken
}

export const AUTH_MODES = ['Confidential', 'Public'] as const
export type AuthMode = (typeof AUTH_MODES)[number]

/** One question with its name; a name may be asked twice, under conditions that exclude each other. */
export interface Question extends Field {
  readonly name: string
}

/** What a vendor's form asks and what its answers mean. One file a vendor. */
export interface Template {
  readonly id: string
  readonly displayName: string
  /** A sentence for whoever chooses among templates. */
  readonly description: string
  /** The page of `docs/guides` for the vendor's administrator. */
  readonly guide: string
  /** What it can do; the first is what it does unless told otherwise. */
  readonly authTypes: readonly AuthType[]
  readonly authModes: readonly AuthMode[]
  /** In the order in which they are asked. */
  readonly questions: readonly Question[]
  /** @throws DomainError `integration.config_invalid` naming the key, never its value */
  parse(given: Record<string, unknown>, options: ParseOptions): Parsed
  resolve(config: Config): Resolved
}

/** How the application at the vendor is spoken to under one authentication type. */
export interface Application {
  /** What is asked for unless the form says otherwise; space-separated. */
  readonly scopes: string
  readonly tokenEndpointAuthMethod: TokenEndpointAuthMethod | ((config: Config) => TokenEndpointAuthMethod)
}

type TokenEndpointAuthMethod = 'client_secret_basic' | 'client_secret_post'

export interface TemplateDefinition {
  readonly id: string
  readonly displayName: string
  readonly description: string
  /** The page of `docs/guides` for the vendor's administrator. Default: the id. */
  readonly guide?: string
  /** The capabilities, the default first. `null`: there is no application, so nothing is asked about one. */
  readonly authTypes: Partial<Readonly<Record<AuthType, Application | null>>>
  /** Default: both. */
  readonly authModes?: readonly [AuthMode, ...AuthMode[]]
  /** Beside these every template asks `auth_type`; for an application also `auth_mode` and its registration. */
  readonly fields?: Readonly<Record<string, Field>>
  /** What the vendor's scopes want to have said, and a pattern for all of them. */
  readonly scopes?: { readonly note?: string; readonly pattern?: string; readonly must?: string }
  readonly authorizationServer: (config: Config) => AuthorizationServer | null
  readonly quirks?: readonly Quirk[] | ((config: Config) => readonly Quirk[])
  readonly issues?: (config: Config) => IssuedToken
}

export function configFault(key: string, must: string): DomainError {
  return new DomainError('invalid', 'integration.config_invalid', `The config key ${key} ${must}`)
}
