import type { Role } from './role.js'

/** A person, as identity tells its operator. */
export interface OperatorUser {
  readonly guid: string
  readonly username: string
  readonly first_name: string
  readonly last_name: string
  readonly email: string
  readonly user_role: Role
  readonly locked: boolean
  readonly created_time: string
  /** Of the last login or use of an API key; `null`: never. */
  readonly active_time: string | null
  readonly unique_id: string
}

export interface OperatorGroup {
  readonly guid: string
  readonly name: string
  readonly unique_id: string | null
  readonly owner_guid: string | null
  /** The owner's username. */
  readonly owner: string | null
  /** How many people are in it. */
  readonly members: number
}

/** `next`: where to go on, when there is more. */
export interface OperatorUsers {
  readonly users: readonly OperatorUser[]
  readonly next: string | null
}

export interface OperatorGroups {
  readonly groups: readonly OperatorGroup[]
  readonly next: string | null
}

/** Something by the name that it has now. */
export interface Named {
  readonly guid: string
  readonly name: string
}

/** What one person had and another has received. */
export interface Transferred {
  readonly content: readonly Named[]
  /** Those that the source owned. */
  readonly groups: readonly Named[]
  /** Those that the source was in. */
  readonly memberships: readonly Named[]
}

export interface NormalizedGroup extends Named {
  readonly unique_id: string | null
}

/** What was changed so that groups are found after `OAuth2.GroupsByUniqueId` was turned on or off, or would be. */
export interface Normalization {
  readonly by_unique_id: boolean
  /** Groups that are, or would be, given their name as unique id, or lose theirs. */
  readonly changed: readonly NormalizedGroup[]
  /** Groups that need somebody's attention: an id of the provider, or another name. */
  readonly attention: readonly NormalizedGroup[]
}

/** An entry of the audit log with names as they are today. */
export interface OperatorAuditEntry {
  readonly id: string
  readonly time: string
  readonly user_guid: string | null
  readonly user_description: string
  readonly action: string
  readonly event_description: string
}

export interface OperatorAudit {
  readonly results: readonly OperatorAuditEntry[]
  readonly next: string | null
}
