import type { ContentState } from './content.contract.js'

/** The facts about a visitor that decide whether they may enter. */
export interface Visitor {
  readonly guid: string
  readonly locked: boolean
  /** Only groups that still exist. */
  readonly groupGuids: readonly string[]
}

/** Whether a visitor may see a content item; `undefined` is somebody who has not logged in. */
export function mayView(content: ContentState, visitor: Visitor | undefined): boolean {
  if (content.locked) return false
  if (content.access_type === 'all') return true
  if (!visitor || visitor.locked) return false
  if (content.access_type === 'logged_in') return true
  return (
    content.owner_guid === visitor.guid ||
    content.permissions.some(({ principal_type, principal_guid }) =>
      principal_type === 'user' ? principal_guid === visitor.guid : visitor.groupGuids.includes(principal_guid),
    )
  )
}
