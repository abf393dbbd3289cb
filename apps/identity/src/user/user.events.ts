import type { Role } from '#libs/contracts'

/** What is told of a person. The values stand in `record.profile`, one row a version, never here. */
export const PROFILE_FIELDS = ['username', 'firstName', 'lastName', 'email', 'externalId'] as const
export type ProfileField = (typeof PROFILE_FIELDS)[number]

/** `administrator`: made ahead of the first login through the API; `directory`: found in the provider's and added. */
export type UserOrigin = 'provider' | 'bootstrap' | 'administrator' | 'directory'

/**
 * Why somebody has a role. `first`: the first person ever to log in; `bootstrap`: made by the holder of the bootstrap
 * secret; these two take the installation's one reservation. `default`: the setting; `mapping`: a claim or a group at a
 * login; `administrator`: given by one; `operator`: given at the shell.
 */
export type RoleReason = 'first' | 'bootstrap' | 'default' | 'mapping' | 'administrator' | 'operator'

/**
 * `displaced`: more than fifty were alive; `replaced`: the same browser logged in again; `inactive`: unused for longer
 * than the settings permit; `administrator`: ended by one; `provider`: the login provider said so.
 */
export type SessionEndReason =
  'logout' | 'expired' | 'displaced' | 'replaced' | 'inactive' | 'administrator' | 'provider'

/**
 * Everything that can have happened to a person. Append-only: add an event or a version, never edit one. No name and no
 * address is in an event: what may have to be erased is in `record`.
 */
export type UserEvent =
  | { type: 'UserRegistered'; data: { origin: UserOrigin } }
  | { type: 'ProfileChanged'; data: { fields: readonly ProfileField[]; profileVersion: number } }
  | { type: 'RoleAssigned'; data: { role: Role; reason: RoleReason } }
  | { type: 'MembershipsChanged'; data: { added: readonly string[]; removed: readonly string[] } }
  | { type: 'SessionBegun'; data: { sid: string; expiresAt: string } }
  | { type: 'SessionEnded'; data: { sid: string; reason: SessionEndReason } }
  /** Ends all sessions of the person, too. */
  | { type: 'UserLocked'; data: Record<string, never> }
  | { type: 'UserUnlocked'; data: Record<string, never> }
  /** The last event of a person: the profile is erased with it, and the guid never means anybody again. */
  | { type: 'UserDeleted'; data: Record<string, never> }
