import { Type } from 'class-transformer'
import { IsBoolean, IsISO8601, IsIn, IsOptional, IsString, IsUUID, Matches, ValidateNested } from 'class-validator'
import type { ChangeContract } from './change-message.js'
import { IsHttpUrl } from './http-url.js'
import { AUTH_TYPES, type AuthType } from './integration.contract.js'

export const ACCESS_TYPES = ['acl', 'logged_in', 'all'] as const
export type AccessType = (typeof ACCESS_TYPES)[number]

/** What content can do for a token: `interactive` has visitors, `rendered` runs without one, `static` cannot ask. */
export const CONTENT_KINDS = ['unknown', 'interactive', 'rendered', 'static'] as const
export type ContentKind = (typeof CONTENT_KINDS)[number]

export class PermissionState {
  @IsUUID()
  principal_guid: string

  @IsIn(['user', 'group'])
  principal_type: 'user' | 'group'

  /** `owner` is a collaborator; the real owner is `ContentState.owner_guid`. */
  @IsIn(['viewer', 'owner'])
  role: 'viewer' | 'owner'
}

export class AssociationState {
  @IsUUID()
  oauth_integration_guid: string

  /** As it was when the association was made; the exchange asks the integration itself. */
  @IsIn(AUTH_TYPES)
  auth_type: AuthType
}

/** A way in for whoever has its token. */
export class ShareLinkState {
  @IsUUID()
  guid: string

  /** SHA-256, base64url, of the token's 256 random bits: safe as a bare hash. */
  @IsString()
  token_hash: string

  @IsOptional()
  @IsISO8601()
  expires_at: string | null
}

/** A content item, its access list and its associations. */
export class ContentState {
  @IsUUID()
  guid: string

  @IsUUID()
  owner_guid: string

  @IsString()
  name: string

  @IsIn(ACCESS_TYPES)
  access_type: AccessType

  @IsIn(CONTENT_KINDS)
  kind: ContentKind

  /** Where the gateway finds the running app; `null` until somebody says so. */
  @IsOptional()
  @IsHttpUrl()
  upstream_url: string | null

  /** Under which path the gateway shows it too: begins and ends with a slash. Absent before revision 3. */
  @IsOptional()
  @Matches(/^\/(?:[\w.-]+\/)+$/)
  vanity_path?: string | null

  @IsBoolean()
  locked: boolean

  /** What visitors are told while it is locked; absent before revision 2. */
  @IsOptional()
  @IsString()
  locked_message?: string

  @ValidateNested({ each: true })
  @Type(() => PermissionState)
  permissions: PermissionState[]

  /** Those that have not been revoked, oldest first; at most `MOST_SHARE_LINKS`. Absent before revision 2. */
  @IsOptional()
  @ValidateNested({ each: true })
  @Type(() => ShareLinkState)
  share_links?: ShareLinkState[]

  /** In the order in which they were associated. */
  @ValidateNested({ each: true })
  @Type(() => AssociationState)
  associations: AssociationState[]
}

export const contentContract: ChangeContract<ContentState> = {
  service: 'integrations',
  category: 'content',
  type: 'ContentChanged',
  revision: 4,
  state: ContentState,
}
