import type { Person } from '#libs/contracts'
import { specification } from '#libs/event-sourcing'
import { MOST_SESSIONS } from './log-in-rules.js'
import { userDecider, type UserCommand } from './user.decider.js'
import type { ProfileField, RoleReason, UserEvent } from './user.events.js'

const user = specification(userDecider)

const now = new Date('2026-11-22T10:00:00Z')
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
const memberships = (added: string[], removed: string[] = []): UserEvent => ({
  type: 'MembershipsChanged',
  data: { added, removed },
})
const begun = (sid: string, expiresAt = evening): UserEvent => ({ type: 'SessionBegun', data: { sid, expiresAt } })
const locked: UserEvent = { type: 'UserLocked', data: {} }

const logIn = (changes: Partial<Extract<UserCommand, { type: 'LogIn' }>> = {}): UserCommand => ({
  type: 'LogIn',
  now,
  firstAdministrator: false,
  defaultRole: 'viewer',
  profile: { basis: 1, fields: [] },
  groups: undefined,
  session: { sid: 'new', expiresAt: new Date(evening) },
  replaces: undefined,
  ...changes,
})
const registration = { profile: { basis: 0, fields: ['username', 'email'] as const } }
const viewer = [made, role('viewer', 'default'), profile(1, 'username', 'email')]

describe('logging in', () => {
  it('PROV-01 registers a person at the first login, with the default role', () => {
    user
      .when(logIn({ ...registration, defaultRole: 'publisher' }))
      .then(made, role('publisher', 'default'), profile(1, 'username', 'email'), begun('new'))
  })

  it('makes the first person ever an administrator', () => {
    user
      .when(logIn({ ...registration, firstAdministrator: true }))
      .then(made, role('administrator', 'first'), profile(1, 'username', 'email'), begun('new'))
  })

  it('does not promote somebody who is there already', () => {
    user
      .given(...viewer)
      .when(logIn({ firstAdministrator: true }))
      .then(begun('new'))
  })

  it('LOGIN-13 names the fields that have changed, never their values', () => {
    user
      .given(...viewer)
      .when(logIn({ profile: { basis: 1, fields: ['lastName'] } }))
      .then(profile(2, 'lastName'), begun('new'))
  })

  it('decides on the profile that was read and on no other', () => {
    user
      .given(...viewer, profile(2, 'email'))
      .when(logIn({ profile: { basis: 1, fields: ['lastName'] } }))
      .thenRefused('user.profile_superseded')
  })

  it('GRP-03 sets the difference of memberships in one event', () => {
    user
      .given(...viewer, memberships(['a', 'b']))
      .when(logIn({ groups: ['b', 'c', 'c'] }))
      .then(memberships(['c'], ['a']), begun('new'))
  })

  it('GRP-06 leaves memberships alone when the provider says nothing of groups', () => {
    user
      .given(...viewer, memberships(['a']))
      .when(logIn())
      .then(begun('new'))
  })

  it('GRP-07 an explicit empty list removes all memberships', () => {
    user
      .given(...viewer, memberships(['a']))
      .when(logIn({ groups: [] }))
      .then(memberships([], ['a']), begun('new'))
  })

  it('A33 ends the session that the same browser had before', () => {
    user
      .given(...viewer, begun('old'), begun('phone'))
      .when(logIn({ replaces: 'old' }))
      .then({ type: 'SessionEnded', data: { sid: 'old', reason: 'replaced' } }, begun('new'))
  })

  it('ends sessions whose time is over', () => {
    user
      .given(...viewer, begun('old', now.toISOString()))
      .when(logIn())
      .then({ type: 'SessionEnded', data: { sid: 'old', reason: 'expired' } }, begun('new'))
  })

  it(`keeps at most ${MOST_SESSIONS} sessions: the oldest ends`, () => {
    const sessions = Array.from({ length: MOST_SESSIONS }, (_, index) => begun(`s${index}`))
    user
      .given(...viewer, ...sessions)
      .when(logIn())
      .then({ type: 'SessionEnded', data: { sid: 's0', reason: 'displaced' } }, begun('new'))
  })

  it('A39 is refused to a locked user', () => {
    user
      .given(...viewer, locked)
      .when(logIn())
      .thenRefused('user.locked')
  })
})

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

describe('assigning a role', () => {
  const assign = (editor: Person, role: 'viewer' | 'publisher' | 'administrator', otherAdministrators = 1) =>
    ({ type: 'AssignRole', editor, role, otherAdministrators }) as const

  it('is an administrator’s right', () => {
    user
      .given(...viewer)
      .when(assign(alice, 'publisher'))
      .then(role('publisher', 'administrator'))
    user
      .given(...viewer)
      .when(assign(paul, 'publisher'))
      .thenRefused('role.not_grantable')
  })

  it('changes nothing when it is the role already', () => {
    user
      .given(...viewer)
      .when(assign(alice, 'viewer'))
      .thenNothing()
  })

  it('leaves one administrator', () => {
    const administrator = [made, role('administrator', 'first')]
    user
      .given(...administrator)
      .when(assign(alice, 'viewer', 0))
      .thenRefused('user.last_administrator')
    user
      .given(...administrator)
      .when(assign(alice, 'viewer', 1))
      .then(role('viewer', 'administrator'))
  })

  it('needs a user', () => {
    user.when(assign(alice, 'viewer')).thenRefused('user.not_found')
  })
})

describe('locking', () => {
  const lock = (editor: Person, guid = 'vera', otherAdministrators = 1) =>
    ({ type: 'LockUser', guid, editor, otherAdministrators }) as const

  it('is an administrator’s right, but not against oneself', () => {
    user
      .given(...viewer)
      .when(lock(alice))
      .then(locked)
    user
      .given(...viewer)
      .when(lock(paul))
      .thenRefused('user.may_not_lock')
    user.given(made, role('administrator', 'first')).when(lock(alice, 'alice')).thenRefused('user.may_not_lock')
  })

  it('leaves one administrator', () => {
    user
      .given(made, role('administrator', 'first'))
      .when(lock(alice, 'vera', 0))
      .thenRefused('user.last_administrator')
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
