import { defineStream } from '#libs/event-sourcing'
import { userDecider } from './user.decider.js'
import { memberships, persons, sessions } from './user.projection.js'

export const userStream = defineStream({
  category: 'user',
  decider: userDecider,
  projections: [persons, memberships, sessions],
  published: true,
})
