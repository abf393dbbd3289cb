import type { Role } from '#libs/contracts'
import type { Format } from '../table.js'

/** A person, as somebody at the shell names them. */
export type UserReference = { readonly username: string } | { readonly guid: string }
export type GroupReference = { readonly name: string } | { readonly guid: string }

/** What is to be different about a person; what is absent stays. Names as on the wire. */
export interface UserChanges {
  readonly username?: string
  readonly first_name?: string
  readonly last_name?: string
  readonly email?: string
  readonly unique_id?: string
  readonly user_role?: Role
  readonly locked?: boolean
}

export interface GroupChanges {
  readonly name?: string
  /** `null`: nobody. */
  readonly owner?: UserReference | null
  readonly unique_id?: string
}

/** What a command line of `usermanager` asks for. */
export type Order =
  | { readonly do: 'list users'; readonly includeLocked: boolean; readonly format: Format }
  | { readonly do: 'list groups'; readonly format: Format }
  | {
      readonly do: 'alter user'
      readonly user: UserReference
      readonly changes: UserChanges
      /** Even if nobody is administrator afterwards. */
      readonly force: boolean
    }
  | { readonly do: 'alter group'; readonly group: GroupReference; readonly changes: GroupChanges }
  | { readonly do: 'normalize groups' }
  | { readonly do: 'delete user'; readonly user: UserReference }
  | { readonly do: 'delete group'; readonly group: GroupReference }
  | { readonly do: 'transfer'; readonly source: UserReference; readonly target: UserReference }
  | { readonly do: 'audit'; readonly since?: string; readonly format: Format }
