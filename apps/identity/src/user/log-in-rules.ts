import { DomainError, type Role } from '#libs/contracts'
import type { ProfileField, SessionEndReason, UserEvent } from './user.events.js'
import { evolve, registered, type Registered, type User } from './user.state.js'

/** How many browser sessions of one person may be alive; the oldest give way. */
export const MOST_SESSIONS = 50

/** What of a profile is new, compared with the version that was read. */
export interface ProfileChange {
  readonly basis: number
  readonly fields: readonly ProfileField[]
}

/** Everything that a login changes, as one append. */
export interface LogInCommand {
  type: 'LogIn'
  now: Date
  /** Whether nobody has been made the first administrator yet. */
  firstAdministrator: boolean
  defaultRole: Role
  /** What a mapping makes of this login, and the role that was read; `undefined`: nothing maps, the role stays. */
  mapping: { readonly role: Role; readonly from: Role | undefined } | undefined
  profile: ProfileChange
  /** Guids of the groups that the provider names; `undefined` leaves memberships as they are. */
  groups: readonly string[] | undefined
  session: { readonly sid: string; readonly expiresAt: Date }
  /** The session that this browser had before. */
  replaces: string | undefined
}

/** @throws DomainError `user.locked`, `user.profile_superseded` */
export function logIn(command: LogInCommand, state: User): UserEvent[] {
  const registration = state.status === 'unknown' ? register(command) : []
  const user = registered(registration.reduce((state, event) => evolve(state, event), state))
  if (user.locked) throw new DomainError('forbidden', 'user.locked', 'This user is locked; ask an administrator.')
  return [
    ...registration,
    ...changeProfile(command.profile, user),
    ...(registration.length === 0 ? mapRole(command, user) : []),
    ...changeMemberships(command.groups, user),
    ...beginSession(command, user),
  ]
}

/** The first person ever is administrator whatever a mapping says, or a mapping without one would lock everybody out. */
function register({ firstAdministrator, mapping, defaultRole }: LogInCommand): UserEvent[] {
  const given = mapping ? ({ role: mapping.role, reason: 'mapping' } as const) : undefined
  return [
    { type: 'UserRegistered', data: { origin: 'provider' } },
    {
      type: 'RoleAssigned',
      data: firstAdministrator
        ? { role: 'administrator', reason: 'first' }
        : (given ?? { role: defaultRole, reason: 'default' }),
    },
  ]
}

function mapRole({ mapping }: LogInCommand, { role }: Registered): UserEvent[] {
  if (!mapping) return []
  // Whether an administrator may go is asked beside the decider, of the role that was read.
  if (mapping.from !== role) throw superseded()
  return mapping.role === role ? [] : [{ type: 'RoleAssigned', data: { role: mapping.role, reason: 'mapping' } }]
}

export function changeProfile({ basis, fields }: ProfileChange, user: Registered): UserEvent[] {
  if (basis !== user.profileVersion) {
    // The values are written beside the log under the version that this event names, so it must be the next one.
    throw superseded()
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

function beginSession({ session, replaces, now }: LogInCommand, { sessions }: Registered): UserEvent[] {
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

const superseded = (): DomainError =>
  new DomainError('conflict', 'user.profile_superseded', 'This profile has just been changed; try again.')
