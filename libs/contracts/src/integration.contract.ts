import { Type } from 'class-transformer'
import {
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsObject,
  IsOptional,
  IsString,
  IsUUID,
  ValidateNested,
} from 'class-validator'
import type { ChangeContract } from './change-message.js'
import { IsHttpUrl } from './http-url.js'
import { ROLES, type Role } from './role.js'
import { REQUESTED_TOKEN_TYPE } from './token.js'

export const AUTH_TYPES = ['Viewer', 'Service Account', 'Visitor API Key'] as const
export type AuthType = (typeof AUTH_TYPES)[number]

/** What RFC 8414 cannot say about a provider. A closed list, each implemented once in `libs/oauth`. */
export const QUIRKS = [
  'comma_separated_scope',
  'error_code_and_summary',
  'errors_with_status_200',
  'omits_expires_in',
  'refresh_ends_access_token',
  'refresh_token_reuse_allowed',
  'refresh_token_reuse_ends_grant',
  'refresh_token_reuse_in_grace',
  'revocation_by_delete',
  'single_use_refresh_token',
  'unencoded_basic_credentials',
] as const
export type Quirk = (typeof QUIRKS)[number]

/**
 * What a provider makes of a refresh token that has been traded for another one already. `kept`: it stays good (K1) ·
 * `grace`: it does for a while (K2) · `single_use`: it is refused (K3) · `family`: its second use ends all that came of
 * the same consent (K4).
 * @see RFC 9700 §4.14.2
 */
export type Rotation = 'kept' | 'grace' | 'single_use' | 'family'

/** Authorization server metadata, in the words of RFC 8414 §2. */
export class AuthorizationServer {
  /** Absent where the template has none; without it the `iss` of RFC 9207 cannot be checked. */
  @IsOptional()
  @IsString()
  issuer?: string

  /** With the parameters that this provider wants beside ours; they are retained (RFC 6749 §3.1). */
  @IsOptional()
  @IsHttpUrl()
  authorization_endpoint?: string

  @IsHttpUrl()
  token_endpoint: string

  @IsOptional()
  @IsHttpUrl()
  revocation_endpoint?: string

  @IsOptional()
  @IsArray()
  code_challenge_methods_supported?: string[]

  /** RFC 9207 §3: an answer without `iss` is not from this provider. */
  @IsOptional()
  @IsBoolean()
  authorization_response_iss_parameter_supported?: boolean
}

/** Our registration there, in the words of RFC 7591 §2. The secret itself is in the vault's safe. */
export class ClientRegistration {
  @IsString()
  client_id: string

  @IsIn(['client_secret_basic', 'client_secret_post', 'none'])
  token_endpoint_auth_method: 'client_secret_basic' | 'client_secret_post' | 'none'

  /** Space-separated (RFC 6749 §3.3); may be empty. */
  @IsString()
  scope: string

  /** Where the safe keeps the client secret; `null` for a public client. */
  @IsOptional()
  @IsUUID()
  client_secret_reference: string | null

  /**
   * Whether browsers come back to a path that no other integration has: an answer that another provider has been talked
   * into giving is then told by where it arrives (RFC 9700 §4.4.2.2). Absent: to the path that all have in common.
   */
  @IsOptional()
  @IsBoolean()
  own_callback?: boolean
}

/** Who may use an integration, as publishers do; everybody who publishes when both are empty. */
export class IntegrationAccessState {
  @IsUUID(undefined, { each: true })
  user_guids: string[]

  @IsUUID(undefined, { each: true })
  group_guids: string[]
}

/** What content gets instead of the provider's access token. */
export class IssuedToken {
  /** The only `requested_token_type` of an exchange (RFC 8693 §2.1) beside none at all. */
  @IsIn([REQUESTED_TOKEN_TYPE.apiKey, REQUESTED_TOKEN_TYPE.temporaryCredentials])
  type: typeof REQUESTED_TOKEN_TYPE.apiKey | typeof REQUESTED_TOKEN_TYPE.temporaryCredentials

  /** For an API key: the most that it may do, whoever the visitor is. */
  @IsOptional()
  @IsIn(ROLES)
  max_role?: Role

  /** For credentials that an ID token is traded for: where, by a POST in form encoding. */
  @IsOptional()
  @IsHttpUrl()
  endpoint?: string

  /** What is posted there beside the ID token and a name for the session. */
  @IsOptional()
  @IsObject()
  parameters?: Record<string, string>

  /** For whom this server's own ID token is (`aud`), where it is content's and no viewer's. Absent before revision 5. */
  @IsOptional()
  @IsString()
  audience?: string
}

/** A configured OAuth client. The template is already resolved: nobody downstream hears a vendor's name. */
export class IntegrationState {
  @IsUUID()
  guid: string

  @IsOptional()
  @IsString()
  name: string | null

  @IsIn(AUTH_TYPES)
  auth_type: AuthType

  /** `null` where nothing outside the house is asked for authorization. */
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => AuthorizationServer)
  authorization_server: AuthorizationServer | null

  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => ClientRegistration)
  client: ClientRegistration | null

  @ArrayUnique()
  @IsIn(QUIRKS, { each: true })
  quirks: Quirk[]

  /** Absent: the provider's access token itself. */
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => IssuedToken)
  issues?: IssuedToken

  /** Absent before revision 3: nobody is excluded. */
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => IntegrationAccessState)
  access?: IntegrationAccessState
}

export const integrationContract: ChangeContract<IntegrationState> = {
  service: 'integrations',
  category: 'integration',
  type: 'IntegrationChanged',
  revision: 5,
  state: IntegrationState,
}
