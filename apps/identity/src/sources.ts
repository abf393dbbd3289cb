import type { PublishedSource } from '#libs/messaging'
import { publishedApiKeys } from './api-key/api-key.published.js'
import { publishedGroups } from './group/group.published.js'
import { publishedUsers } from './user/user.published.js'

/** What this service tells the others of. */
export const sources = [publishedApiKeys, publishedGroups, publishedUsers] as readonly PublishedSource[]
