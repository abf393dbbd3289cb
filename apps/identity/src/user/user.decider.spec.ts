import type { Person, Role } from '#libs/contracts'
import { specification } from '#libs/event-sourcing'
import { userDecider, type Editor } from './user.decider.js'
import type { ProfileField, RoleReason, UserEvent } from './user.events.js'

const user = specification(userDecider)

const evening = '2026-11-22T18:00:00.000Z'
const alice: Person = { guid: 'alice', role: 'administrator' }
const paul: Person = { guid: 'paul', role: 'publisher' }

const made: UserEvent = { type: 'UserRegistered', data: { origin: 'provider' } }
const role = (role: 'viewer' | 'publisher' | 'administrator', reason: RoleReason): UserEvent => ({
  type: 'RoleAssigned',
  data: { role, reason },
})
const profile = (profileVersion: number, ...fields: ProfileField[]): UserEvent => ({
  type: 'ProfileChanged',
  data: { fields, profileVersion },
})
const begun = (sid: string, expiresAt = evening): UserEvent => ({ type: 'SessionBegun', data: { sid, expiresAt } })
const locked: UserEvent = { type: 'UserLocked', data: {} }
const deleted: UserEvent = { type: 'UserDeleted', data: {} }

const viewer = [made, role('viewer', 'default'), profile(1, 'username', 'email')]

describe('ending a session', () => {
  const end = { type: 'EndSession', sid: 'old', reason: 'logout' } as const

  it('ends it once', () => {
    const ended: UserEvent = { type: 'SessionEnded', data: { sid: 'old', reason: 'logout' } }
    user
      .given(...viewer, begun('old'))
      .when(end)
      .then(ended)
    user
      .given(...viewer, begun('old'), ended)
      .when(end)
      .thenNothing()
  })

  it('is no news when the user has been locked since', () => {
    user
      .given(...viewer, begun('old'), locked)
      .when(end)
      .thenNothing()
  })
})

describe('the first administrator without a browser', () => {
  it('is an administrator', () => {
    user
      .when({ type: 'RegisterFirstAdministrator' })
      .then(
        { type: 'UserRegistered', data: { origin: 'bootstrap' } },
        role('administrator', 'bootstrap'),
        profile(1, 'username'),
      )
  })

  it('is made once', () => {
    user
      .given(...viewer)
      .when({ type: 'RegisterFirstAdministrator' })
      .thenRefused('bootstrap.users_exist')
  })
})

describe('being made ahead of the first login', () => {
  const register = (role?: 'publisher') =>
    ({
      type: 'RegisterUser',
      origin: 'administrator',
      role,
      defaultRole: 'viewer',
      profile: { basis: 0, fields: ['username', 'externalId'] },
    }) as const
  const ahead: UserEvent = { type: 'UserRegistered', data: { origin: 'administrator' } }

  it('PROV-07 gives the role that is asked for, else the default one', () => {
    user
      .when(register('publisher'))
      .then(ahead, role('publisher', 'administrator'), profile(1, 'username', 'externalId'))
    user.when(register()).then(ahead, role('viewer', 'default'), profile(1, 'username', 'externalId'))
  })

  it('happens once, and never to somebody who has been deleted', () => {
    user
      .given(...viewer)
      .when(register())
      .thenRefused('stream.conflict')
    user
      .given(...viewer, deleted)
      .when(register())
      .thenRefused('stream.conflict')
  })
})

describe('being changed', () => {
  const change = (editor: Editor, to: { fields?: readonly ProfileField[]; role?: Role; basis?: number }) =>
    ({
      type: 'ChangeUser',
      editor,
      profile: to.fields && { basis: to.basis ?? 1, fields: to.fields },
      role: to.role,
    }) as const

  it('is one append, however much of it is role and how much profile', () => {
    user
      .given(...viewer)
      .when(change(alice, { fields: ['username'], role: 'publisher' }))
      .then(profile(2, 'username'), role('publisher', 'administrator'))
  })

  it('a role is an administrator’s to give, or the operator’s', () => {
    user
      .given(...viewer)
      .when(change('operator', { role: 'publisher' }))
      .then(role('publisher', 'operator'))
    user
      .given(...viewer)
      .when(change(paul, { role: 'publisher' }))
      .thenRefused('role.not_grantable')
  })

  it('changes nothing when all is so already', () => {
    for (const editor of [alice, paul]) {
      user
        .given(...viewer)
        .when(change(editor, { role: 'viewer' }))
        .thenNothing()
    }
  })

  it('goes by the profile that was read and by no other', () => {
    user
      .given(...viewer, profile(2, 'email'))
      .when(change(alice, { fields: ['lastName'] }))
      .thenRefused('user.profile_superseded')
  })

  it('needs a user', () => {
    user.when(change(alice, { role: 'viewer' })).thenRefused('user.not_found')
    user
      .given(...viewer, deleted)
      .when(change(alice, { role: 'viewer' }))
      .thenRefused('user.not_found')
  })
})

describe('locking', () => {
  const lock = (editor: Editor, guid = 'vera') => ({ type: 'LockUser', guid, editor }) as const

  it('is an administrator’s right, but not against oneself, and the operator’s', () => {
    user
      .given(...viewer)
      .when(lock(alice))
      .then(locked)
    user
      .given(...viewer)
      .when(lock('operator'))
      .then(locked)
    user
      .given(...viewer)
      .when(lock(paul))
      .thenRefused('user.may_not_lock')
    user.given(made, role('administrator', 'first')).when(lock(alice, 'alice')).thenRefused('user.may_not_lock')
  })

  it('is done once, and undone once', () => {
    user
      .given(...viewer, locked)
      .when(lock(alice))
      .thenNothing()
    user
      .given(...viewer, locked)
      .when({ type: 'UnlockUser', editor: alice })
      .then({ type: 'UserUnlocked', data: {} })
    user
      .given(...viewer)
      .when({ type: 'UnlockUser', editor: alice })
      .thenNothing()
  })
})

describe('ending all sessions', () => {
  it('ends each of them, and is no news when there are none', () => {
    const end = { type: 'EndSessions', reason: 'administrator' } as const
    user
      .given(...viewer, begun('phone'), begun('desk'))
      .when(end)
      .then(
        { type: 'SessionEnded', data: { sid: 'phone', reason: 'administrator' } },
        { type: 'SessionEnded', data: { sid: 'desk', reason: 'administrator' } },
      )
    user
      .given(...viewer)
      .when(end)
      .thenNothing()
  })
})

describe('being deleted', () => {
  it('is the end', () => {
    user
      .given(...viewer, begun('phone'))
      .when({ type: 'DeleteUser' })
      .then(deleted)
    user
      .given(...viewer, deleted)
      .when({ type: 'DeleteUser' })
      .thenRefused('user.not_found')
  })
})
