import type { Role } from '#libs/contracts'

/** What of a person the provider tells. The values stand in `record.profile`, one row a version, never here. */
export const PROFILE_FIELDS = ['username', 'firstName', 'lastName', 'email'] as const
export type ProfileField = (typeof PROFILE_FIELDS)[number]

/**
 * Why somebody has a role. `first`: the first person ever to log in; `bootstrap`: made by the holder of the bootstrap
 * secret; these two take the installation's one reservation. `default`: the setting; `administrator`: given by one.
 */
export type RoleReason = 'first' | 'bootstrap' | 'default' | 'administrator'

/** `displaced`: more than fifty were alive; `replaced`: the same browser logged in again. */
export type SessionEndReason = 'logout' | 'expired' | 'displaced' | 'replaced'

/**
 * Everything that can have happened to a person. Append-only: add an event or a version, never edit one. No name and no
 * address is in an event: what may have to be erased is in `record`.
 */
export type UserEvent =
  | { type: 'UserRegistered'; data: { origin: 'provider' | 'bootstrap' } }
  | { type: 'ProfileChanged'; data: { fields: readonly ProfileField[]; profileVersion: number } }
  | { type: 'RoleAssigned'; data: { role: Role; reason: RoleReason } }
  | { type: 'MembershipsChanged'; data: { added: readonly string[]; removed: readonly string[] } }
  | { type: 'SessionBegun'; data: { sid: string; expiresAt: string } }
  | { type: 'SessionEnded'; data: { sid: string; reason: SessionEndReason } }
  /** Ends all sessions of the person, too. */
  | { type: 'UserLocked'; data: Record<string, never> }
  | { type: 'UserUnlocked'; data: Record<string, never> }
