import type { Role } from '#libs/contracts'

/** A person, as identity tells its operator. */
export interface UserAnswer {
  readonly guid: string
  readonly username: string
  readonly first_name: string
  readonly last_name: string
  readonly email: string
  readonly user_role: Role
  readonly locked: boolean
  readonly created_time: string
  readonly active_time: string | null
  readonly unique_id: string
}

export interface GroupAnswer {
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
export interface UserPage {
  readonly users: readonly UserAnswer[]
  readonly next: string | null
}

export interface GroupPage {
  readonly groups: readonly GroupAnswer[]
  readonly next: string | null
}

export interface TransferAnswer {
  readonly content: readonly { readonly guid: string; readonly name: string }[]
  readonly groups: readonly { readonly guid: string; readonly name: string }[]
  readonly memberships: readonly { readonly guid: string; readonly name: string }[]
}

export interface NormalizationAnswer {
  readonly by_unique_id: boolean
  /** Groups that are, or would be, given their name as unique id, or lose theirs. */
  readonly changed: readonly GroupAnswer[]
  /** Groups that need somebody's attention: an id of the provider, or another name. */
  readonly attention: readonly GroupAnswer[]
}

export interface AuditLine {
  readonly id: string
  readonly time: string
  readonly user_guid: string | null
  readonly user_description: string
  readonly action: string
  readonly event_description: string
}

export interface AuditPage {
  readonly results: readonly AuditLine[]
  readonly next: string | null
}
