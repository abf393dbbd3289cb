import { Type } from 'class-transformer'
import { ArrayMaxSize, IsBoolean, IsIn, IsISO8601, IsString, IsUUID, ValidateNested } from 'class-validator'
import type { ChangeContract } from './change-message.js'
import { ROLES, type Role } from './role.js'

export class UserSessionState {
  /** SHA-256, base64url, of the cookie's 256 random bits: safe as a bare hash. */
  @IsString()
  sid: string

  @IsISO8601()
  expires_at: string
}

/** A person, as the other services see them. */
export class UserState {
  @IsUUID()
  guid: string

  @IsString()
  username: string

  @IsString()
  first_name: string

  @IsString()
  last_name: string

  @IsString()
  email: string

  @IsIn(ROLES)
  user_role: Role

  @IsBoolean()
  locked: boolean

  /** A membership counts only while its group lives: join with `GroupState` wherever it is read. */
  @IsUUID(undefined, { each: true })
  group_guids: string[]

  /** The live browser sessions, newest last; at most 50. */
  @ArrayMaxSize(50)
  @ValidateNested({ each: true })
  @Type(() => UserSessionState)
  sessions: UserSessionState[]
}

export const userContract: ChangeContract<UserState> = {
  service: 'identity',
  category: 'user',
  type: 'UserChanged',
  revision: 1,
  state: UserState,
}
