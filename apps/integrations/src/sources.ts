import type { PublishedSource } from '#libs/messaging'
import { publishedContent } from './content/content.published.js'
import { publishedIntegration } from './integration/integration.published.js'

/** What this service tells the others of. */
export const sources = [publishedContent, publishedIntegration] as readonly PublishedSource[]
