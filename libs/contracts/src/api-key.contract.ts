import { IsIn, IsISO8601, IsOptional, IsUUID } from 'class-validator'
import type { ChangeContract } from './change-message.js'
import { ROLES, type Role } from './role.js'

/** An API key without anything that would let a reader use it. */
export class ApiKeyState {
  @IsUUID()
  guid: string

  @IsUUID()
  user_guid: string

  @IsIn(ROLES)
  user_role: Role

  /** Set on a key that is bound to one content item. */
  @IsOptional()
  @IsUUID()
  content_guid: string | null

  @IsOptional()
  @IsISO8601()
  expires_at: string | null
}

export const apiKeyContract: ChangeContract<ApiKeyState> = {
  service: 'identity',
  category: 'api_key',
  type: 'ApiKeyChanged',
  revision: 1,
  state: ApiKeyState,
}
