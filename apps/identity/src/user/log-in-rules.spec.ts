import { specification } from '#libs/event-sourcing'
import type { Role } from '#libs/contracts'
import { MOST_SESSIONS } from './log-in-rules.js'
import { userDecider, type UserCommand } from './user.decider.js'
import type { ProfileField, RoleReason, UserEvent } from './user.events.js'

const user = specification(userDecider)

const now = new Date('2026-11-22T10:00:00Z')
const evening = '2026-11-22T18:00:00.000Z'

const made: UserEvent = { type: 'UserRegistered', data: { origin: 'provider' } }
const role = (role: Role, reason: RoleReason): UserEvent => ({ type: 'RoleAssigned', data: { role, reason } })
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
  mapping: undefined,
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

  it('PROV-04 ROLE-03 gives the mapped role to a new person', () => {
    user
      .when(logIn({ ...registration, mapping: { role: 'publisher', from: undefined } }))
      .then(made, role('publisher', 'mapping'), profile(1, 'username', 'email'), begun('new'))
  })

  it('makes the first person ever an administrator whatever a mapping says', () => {
    user
      .when(logIn({ ...registration, firstAdministrator: true, mapping: { role: 'viewer', from: undefined } }))
      .then(made, role('administrator', 'first'), profile(1, 'username', 'email'), begun('new'))
  })

  it('ROLE-21 ROLE-22 maps the role at every login, and says so only when it changes', () => {
    user
      .given(...viewer)
      .when(logIn({ mapping: { role: 'administrator', from: 'viewer' } }))
      .then(role('administrator', 'mapping'), begun('new'))
    user
      .given(...viewer)
      .when(logIn({ mapping: { role: 'viewer', from: 'viewer' } }))
      .then(begun('new'))
  })

  it('PROV-08 leaves a role that an administrator gave when nothing maps', () => {
    user
      .given(...viewer, role('publisher', 'administrator'))
      .when(logIn())
      .then(begun('new'))
  })

  it('decides on the role that was read and on no other', () => {
    user
      .given(...viewer, role('administrator', 'administrator'))
      .when(logIn({ mapping: { role: 'viewer', from: 'viewer' } }))
      .thenRefused('user.profile_superseded')
  })

  it('PROV-02 PROV-07 keeps profile and role of somebody who was made ahead', () => {
    user
      .given(
        { type: 'UserRegistered', data: { origin: 'administrator' } },
        role('publisher', 'administrator'),
        profile(1, 'username', 'externalId'),
      )
      .when(logIn({ profile: { basis: 1, fields: ['email'] } }))
      .then(profile(2, 'email'), begun('new'))
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
