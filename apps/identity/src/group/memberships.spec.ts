import { specification } from '#libs/event-sourcing'
import { userDecider } from '../user/user.decider.js'

const user = specification(userDecider)
const [A, B, C] = ['a', 'b', 'c']

describe('memberships that are changed by hand', () => {
  const registered = { type: 'UserRegistered', data: { origin: 'provider' } } as const
  const changed = (added: string[], removed: string[] = []) =>
    ({ type: 'MembershipsChanged', data: { added, removed } }) as const
  const change = (added: string[], removed: string[] = []) => ({ type: 'ChangeMemberships', added, removed }) as const

  it('GRP-05 are one event, whatever their number', () => {
    user
      .given(registered, changed([A]))
      .when(change([B, C, C], [A]))
      .then(changed([B, C], [A]))
  })

  it('change nothing where it is so already', () => {
    user
      .given(registered, changed([A]))
      .when(change([A], [B]))
      .thenNothing()
  })

  it('begin and end one by one, and are refused where it is so already', () => {
    const [join, leave] = (['JoinGroup', 'LeaveGroup'] as const).map((type) => ({ type, group: A }))
    const [outside, inside] = [user.given(registered), user.given(registered, changed([A]))]
    outside.when(join!).then(changed([A]))
    inside.when(join!).thenRefused('group.already_a_member')
    inside.when(leave!).then(changed([], [A]))
    outside.when(leave!).thenRefused('group.not_a_member')
    for (const command of [join!, leave!]) user.when(command).thenRefused('user.not_found')
  })

  it('need a user', () => {
    user.when(change([A])).thenRefused('user.not_found')
    user
      .given(registered, { type: 'UserDeleted', data: {} })
      .when(change([A]))
      .thenRefused('user.not_found')
  })
})
