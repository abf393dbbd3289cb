import { DomainError, type Person, type Role } from '#libs/contracts'
import type { Decider } from '#libs/event-sourcing'
import type { ProfileField, SessionEndReason, UserEvent } from './user.events.js'

/** How many browser sessions of one person may be alive; the oldest give way. */
export const MOST_SESSIONS = 50

/** What of a profile is new, compared with the version that was read. */
export interface ProfileChange {
  readonly basis: number
  readonly fields: readonly ProfileField[]
}

export type UserCommand =
  /** Everything that a login changes, as one append. */
  | {
      type: 'LogIn'
      now: Date
      /** Whether nobody has been made the first administrator yet. */
      firstAdministrator: boolean
      defaultRole: Role
      profile: ProfileChange
      /** Guids of the groups that the provider names; `undefined` leaves memberships as they are. */
      groups: readonly string[] | undefined
      session: { readonly sid: string; readonly expiresAt: Date }
      /** The session that this browser had before. */
      replaces: string | undefined
    }
  | { type: 'RegisterFirstAdministrator' }
  | { type: 'EndSession'; sid: string; reason: SessionEndReason }
  /** `otherAdministrators`: how many unlocked administrators there are besides this person. */
  | { type: 'AssignRole'; editor: Person; role: Role; otherAdministrators: number }
  | { type: 'LockUser'; guid: string; editor: Person; otherAdministrators: number }
  | { type: 'UnlockUser'; editor: Person }

export type User = { readonly status: 'unknown' } | Registered

export interface Registered {
  readonly status: 'registered'
  readonly role: Role
  readonly locked: boolean
  readonly profileVersion: number
  readonly groups: ReadonlySet<string>
  /** Oldest first. */
  readonly sessions: readonly { readonly sid: string; readonly expiresAt: string }[]
}

export const userDecider: Decider<UserCommand, UserEvent, User> = {
  initial: { status: 'unknown' },

  decide(command, state) {
    switch (command.type) {
      case 'LogIn':
        return logIn(command, state)
      case 'RegisterFirstAdministrator':
        if (state.status === 'registered') {
          throw new DomainError('forbidden', 'bootstrap.users_exist', 'There are users already; log in instead.')
        }
        return [
          { type: 'UserRegistered', data: { origin: 'bootstrap' } },
          { type: 'RoleAssigned', data: { role: 'administrator', reason: 'bootstrap' } },
          { type: 'ProfileChanged', data: { fields: ['username'], profileVersion: 1 } },
        ]
      case 'EndSession': {
        const { sid, reason } = command
        const alive = state.status === 'registered' && state.sessions.some((session) => session.sid === sid)
        return alive ? [{ type: 'SessionEnded', data: { sid, reason } }] : []
      }
      case 'AssignRole':
        return assignRole(command, registered(state))
      case 'LockUser': {
        const user = registered(state)
        administrator(command.editor, 'user.may_not_lock')
        if (command.editor.guid === command.guid) {
          throw new DomainError('forbidden', 'user.may_not_lock', 'Nobody can lock themselves.')
        }
        if (user.locked) return []
        keepOneAdministrator(user, command.otherAdministrators)
        return [{ type: 'UserLocked', data: {} }]
      }
      case 'UnlockUser':
        administrator(command.editor, 'user.may_not_lock')
        return registered(state).locked ? [{ type: 'UserUnlocked', data: {} }] : []
    }
  },

  evolve(state, event) {
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
    }
  },
}

function registered(state: User): Registered {
  if (state.status === 'unknown') throw new DomainError('not_found', 'user.not_found', 'This user does not exist.')
  return state
}

function logIn(command: Extract<UserCommand, { type: 'LogIn' }>, state: User): UserEvent[] {
  const registration = state.status === 'unknown' ? register(command) : []
  const user = registered(registration.reduce((state, event) => userDecider.evolve(state, event), state))
  if (user.locked) throw new DomainError('forbidden', 'user.locked', 'This user is locked; ask an administrator.')
  return [
    ...registration,
    ...changeProfile(command.profile, user),
    ...changeMemberships(command.groups, user),
    ...beginSession(command, user),
  ]
}

function register(command: Extract<UserCommand, { type: 'LogIn' }>): UserEvent[] {
  return [
    { type: 'UserRegistered', data: { origin: 'provider' } },
    {
      type: 'RoleAssigned',
      data: command.firstAdministrator
        ? { role: 'administrator', reason: 'first' }
        : { role: command.defaultRole, reason: 'default' },
    },
  ]
}

function changeProfile({ basis, fields }: ProfileChange, user: Registered): UserEvent[] {
  if (basis !== user.profileVersion) {
    // The values are written beside the log under the version that this event names, so it must be the next one.
    throw new DomainError('conflict', 'user.profile_superseded', 'This profile has just been changed; try again.')
  }
  return fields.length === 0 ? [] : [{ type: 'ProfileChanged', data: { fields, profileVersion: basis + 1 } }]
}

function changeMemberships(wanted: readonly string[] | undefined, user: Registered): UserEvent[] {
  if (!wanted) return []
  const groups = new Set(wanted)
  const added = [...groups].filter((guid) => !user.groups.has(guid))
  const removed = [...user.groups].filter((guid) => !groups.has(guid))
  return added.length + removed.length === 0 ? [] : [{ type: 'MembershipsChanged', data: { added, removed } }]
}

function beginSession(
  { session, replaces, now }: Extract<UserCommand, { type: 'LogIn' }>,
  { sessions }: Registered,
): UserEvent[] {
  const ending = new Map<string, SessionEndReason>()
  for (const { sid, expiresAt } of sessions) {
    if (sid === replaces) ending.set(sid, 'replaced')
    else if (new Date(expiresAt) <= now) ending.set(sid, 'expired')
  }
  const staying = sessions.filter(({ sid }) => !ending.has(sid))
  for (const { sid } of staying.slice(0, Math.max(0, staying.length - (MOST_SESSIONS - 1))))
    ending.set(sid, 'displaced')
  return [
    ...[...ending].map(([sid, reason]) => ({ type: 'SessionEnded', data: { sid, reason } }) as const),
    { type: 'SessionBegun', data: { sid: session.sid, expiresAt: session.expiresAt.toISOString() } },
  ]
}

function assignRole(
  { editor, role, otherAdministrators }: Extract<UserCommand, { type: 'AssignRole' }>,
  user: Registered,
): UserEvent[] {
  administrator(editor, 'role.not_grantable')
  if (role === user.role) return []
  keepOneAdministrator(user, otherAdministrators)
  return [{ type: 'RoleAssigned', data: { role, reason: 'administrator' } }]
}

function administrator(editor: Person, code: 'role.not_grantable' | 'user.may_not_lock'): void {
  if (editor.role === 'administrator') return
  throw new DomainError('forbidden', code, 'Only an administrator may do this.')
}

/** @throws DomainError `user.last_administrator` when this person is the only administrator who can act */
function keepOneAdministrator(user: Registered, others: number): void {
  if (user.role === 'administrator' && !user.locked && others === 0) {
    throw new DomainError(
      'invalid',
      'user.last_administrator',
      'This is the only administrator; appoint another one first.',
    )
  }
}
