import { defineStream } from '#libs/event-sourcing'
import { belongings } from './belongings.projection.js'
import { contentDecider } from './content.decider.js'
import { associations, contents, permissions, shareLinks } from './content.projection.js'

export const contentStream = defineStream({
  category: 'content',
  decider: contentDecider,
  projections: [contents, associations, permissions, shareLinks, belongings],
  published: true,
})
