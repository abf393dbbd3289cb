import { DomainError, type Role } from '#libs/contracts'
import type { UserEvent } from './user.events.js'

export type User = { readonly status: 'unknown' } | { readonly status: 'deleted' } | Registered

export interface Registered {
  readonly status: 'registered'
  readonly role: Role
  readonly locked: boolean
  readonly profileVersion: number
  readonly groups: ReadonlySet<string>
  /** Oldest first. */
  readonly sessions: readonly { readonly sid: string; readonly expiresAt: string }[]
}

export function evolve(state: User, event: UserEvent): User {
  switch (event.type) {
    case 'UserRegistered':
      return {
        status: 'registered',
        role: 'viewer',
        locked: false,
        profileVersion: 0,
        groups: new Set(),
        sessions: [],
      }
    case 'ProfileChanged':
      return { ...registered(state), profileVersion: event.data.profileVersion }
    case 'RoleAssigned':
      return { ...registered(state), role: event.data.role }
    case 'MembershipsChanged': {
      const user = registered(state)
      const groups = new Set([...user.groups, ...event.data.added])
      for (const guid of event.data.removed) groups.delete(guid)
      return { ...user, groups }
    }
    case 'SessionBegun': {
      const user = registered(state)
      return { ...user, sessions: [...user.sessions, event.data] }
    }
    case 'SessionEnded': {
      const user = registered(state)
      return { ...user, sessions: user.sessions.filter(({ sid }) => sid !== event.data.sid) }
    }
    case 'UserLocked':
      return { ...registered(state), locked: true, sessions: [] }
    case 'UserUnlocked':
      return { ...registered(state), locked: false }
    case 'UserDeleted':
      return { status: 'deleted' }
  }
}

/** @throws DomainError `user.not_found` */
export function registered(state: User): Registered {
  if (state.status !== 'registered') throw new DomainError('not_found', 'user.not_found', 'This user does not exist.')
  return state
}
