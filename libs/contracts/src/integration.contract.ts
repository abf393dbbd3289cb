import { Type } from 'class-transformer'
import {
  ArrayUnique,
  IsArray,
  IsIn,
  IsObject,
  IsOptional,
  IsString,
  IsUrl,
  IsUUID,
  ValidateNested,
} from 'class-validator'
import type { ChangeContract } from './change-message.js'

export const AUTH_TYPES = ['Viewer', 'Service Account', 'Visitor API Key'] as const
export type AuthType = (typeof AUTH_TYPES)[number]

/** What RFC 8414 cannot say about a provider. A closed list, each implemented once in `libs/oauth`. */
export const QUIRKS = ['errors_with_status_200', 'omits_expires_in', 'single_use_refresh_token'] as const
export type Quirk = (typeof QUIRKS)[number]

const ENDPOINT = { protocols: ['http', 'https'], require_protocol: true, require_tld: false }

/** Authorization server metadata, in the words of RFC 8414 §2. */
export class AuthorizationServer {
  /** Absent where the template has none; without it the `iss` of RFC 9207 cannot be checked. */
  @IsOptional()
  @IsString()
  issuer?: string

  @IsOptional()
  @IsUrl(ENDPOINT)
  authorization_endpoint?: string

  @IsUrl(ENDPOINT)
  token_endpoint: string

  @IsOptional()
  @IsUrl(ENDPOINT)
  revocation_endpoint?: string

  @IsOptional()
  @IsArray()
  code_challenge_methods_supported?: string[]
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

  @IsObject()
  @ValidateNested()
  @Type(() => AuthorizationServer)
  authorization_server: AuthorizationServer

  @IsObject()
  @ValidateNested()
  @Type(() => ClientRegistration)
  client: ClientRegistration

  @ArrayUnique()
  @IsIn(QUIRKS, { each: true })
  quirks: Quirk[]
}

export const integrationContract: ChangeContract<IntegrationState> = {
  service: 'integrations',
  category: 'integration',
  type: 'IntegrationChanged',
  revision: 1,
  state: IntegrationState,
}
