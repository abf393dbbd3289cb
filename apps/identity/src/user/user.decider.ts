import { DomainError, type Person, type Role } from '#libs/contracts'
import type { Decider } from '#libs/event-sourcing'
import { logIn, type LogInCommand } from './log-in-rules.js'
import type { SessionEndReason, UserEvent } from './user.events.js'
import { evolve, registered, type Registered, type User } from './user.state.js'

export type UserCommand =
  | LogInCommand
  | { type: 'RegisterFirstAdministrator' }
  | { type: 'EndSession'; sid: string; reason: SessionEndReason }
  /** `otherAdministrators`: how many unlocked administrators there are besides this person. */
  | { type: 'AssignRole'; editor: Person; role: Role; otherAdministrators: number }
  | { type: 'LockUser'; guid: string; editor: Person; otherAdministrators: number }
  | { type: 'UnlockUser'; editor: Person }
  /** Guids of groups. Changes nothing where it is so already. */
  | { type: 'ChangeMemberships'; added: readonly string[]; removed: readonly string[] }

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
      case 'ChangeMemberships':
        return changeMemberships(command, registered(state))
    }
  },

  evolve,
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

function changeMemberships(
  command: Extract<UserCommand, { type: 'ChangeMemberships' }>,
  { groups }: Registered,
): UserEvent[] {
  const added = [...new Set(command.added)].filter((guid) => !groups.has(guid))
  const removed = [...new Set(command.removed)].filter((guid) => groups.has(guid))
  return added.length + removed.length === 0 ? [] : [{ type: 'MembershipsChanged', data: { added, removed } }]
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
