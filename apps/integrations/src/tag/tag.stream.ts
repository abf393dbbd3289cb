import { defineStream } from '#libs/event-sourcing'
import { tagDecider } from './tag.decider.js'
import { tags } from './tag.projection.js'

/** All tags are one stream, so that what holds for the tree is decided where it is written. */
export const TAGS = '7a0d6f62-5a4e-4d0a-9a53-6c1f2b9e8d10'

export const tagStream = defineStream({
  category: 'tag',
  decider: tagDecider,
  projections: [tags],
  published: false,
})
