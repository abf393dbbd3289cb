import { DomainError, type Person, type Role } from '#libs/contracts'
import type { Decider } from '#libs/event-sourcing'
import { changeProfile, logIn, type LogInCommand, type ProfileChange } from './log-in-rules.js'
import type { SessionEndReason, UserEvent, UserOrigin } from './user.events.js'
import { evolve, registered, type Registered, type User } from './user.state.js'

/** Who changes somebody else, or themselves: a person, or the operator at the shell, who may do everything. */
export type Editor = Person | 'operator'

/**
 * That there is always an administrator who can act is no rule of one stream: `leaveOneAdministrator` asks it inside
 * the append.
 */
export type UserCommand =
  | LogInCommand
  | { type: 'RegisterFirstAdministrator' }
  /** Ahead of the first login. Without a role it is the default one. */
  | {
      type: 'RegisterUser'
      origin: Exclude<UserOrigin, 'provider' | 'bootstrap'>
      role: Role | undefined
      defaultRole: Role
      profile: ProfileChange
    }
  /** Which fields of a profile this editor may change is decided by `editability`. */
  | { type: 'ChangeUser'; editor: Editor; profile: ProfileChange | undefined; role: Role | undefined }
  | { type: 'EndSession'; sid: string; reason: SessionEndReason }
  | { type: 'EndSessions'; reason: SessionEndReason }
  | { type: 'LockUser'; guid: string; editor: Editor }
  | { type: 'UnlockUser'; editor: Editor }
  /** Guids of groups. Changes nothing where it is so already. */
  | { type: 'ChangeMemberships'; added: readonly string[]; removed: readonly string[] }
  /** Refused where it is so already. */
  | { type: 'JoinGroup' | 'LeaveGroup'; group: string }
  | { type: 'DeleteUser' }

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
      case 'RegisterUser':
        return registerUser(command, state)
      case 'ChangeUser':
        return changeUser(command, registered(state))
      case 'EndSession': {
        const { sid, reason } = command
        const alive = state.status === 'registered' && state.sessions.some((session) => session.sid === sid)
        return alive ? [{ type: 'SessionEnded', data: { sid, reason } }] : []
      }
      case 'EndSessions': {
        const { reason } = command
        return registered(state).sessions.map(({ sid }) => ({ type: 'SessionEnded', data: { sid, reason } }))
      }
      case 'LockUser': {
        const user = registered(state)
        const { editor, guid } = command
        mustRule(editor, 'user.may_not_lock')
        if (editor !== 'operator' && editor.guid === guid) {
          throw new DomainError('forbidden', 'user.may_not_lock', 'Nobody can lock themselves.')
        }
        return user.locked ? [] : [{ type: 'UserLocked', data: {} }]
      }
      case 'UnlockUser':
        mustRule(command.editor, 'user.may_not_lock')
        return registered(state).locked ? [{ type: 'UserUnlocked', data: {} }] : []
      case 'ChangeMemberships':
        return changeMemberships(command, registered(state))
      case 'JoinGroup':
        if (registered(state).groups.has(command.group))
          throw new DomainError('conflict', 'group.already_a_member', 'This user is a member of the group already.')
        return [{ type: 'MembershipsChanged', data: { added: [command.group], removed: [] } }]
      case 'LeaveGroup':
        if (!registered(state).groups.has(command.group))
          throw new DomainError('not_found', 'group.not_a_member', 'This user is not a member of the group.')
        return [{ type: 'MembershipsChanged', data: { added: [], removed: [command.group] } }]
      case 'DeleteUser':
        registered(state)
        return [{ type: 'UserDeleted', data: {} }]
    }
  },

  evolve,
}

function registerUser(
  { origin, role, defaultRole, profile: { fields } }: Extract<UserCommand, { type: 'RegisterUser' }>,
  state: User,
): UserEvent[] {
  if (state.status !== 'unknown') throw new DomainError('conflict', 'stream.conflict', 'This user exists already.')
  return [
    { type: 'UserRegistered', data: { origin } },
    {
      type: 'RoleAssigned',
      data: role ? { role, reason: 'administrator' } : { role: defaultRole, reason: 'default' },
    },
    { type: 'ProfileChanged', data: { fields, profileVersion: 1 } },
  ]
}

function changeUser(
  { editor, profile, role }: Extract<UserCommand, { type: 'ChangeUser' }>,
  user: Registered,
): UserEvent[] {
  if (role && role !== user.role) mustRule(editor, 'role.not_grantable')
  return [
    ...(profile ? changeProfile(profile, user) : []),
    ...(role && role !== user.role ? [roleAssigned(role, editor)] : []),
  ]
}

const roleAssigned = (role: Role, editor: Editor): UserEvent => ({
  type: 'RoleAssigned',
  data: { role, reason: editor === 'operator' ? 'operator' : 'administrator' },
})

function changeMemberships(
  command: Extract<UserCommand, { type: 'ChangeMemberships' }>,
  { groups }: Registered,
): UserEvent[] {
  const added = [...new Set(command.added)].filter((guid) => !groups.has(guid))
  const removed = [...new Set(command.removed)].filter((guid) => groups.has(guid))
  return added.length + removed.length === 0 ? [] : [{ type: 'MembershipsChanged', data: { added, removed } }]
}

function mustRule(editor: Editor, code: 'role.not_grantable' | 'user.may_not_lock'): void {
  if (editor === 'operator' || editor.role === 'administrator') return
  throw new DomainError('forbidden', code, 'Only an administrator may do this.')
}
