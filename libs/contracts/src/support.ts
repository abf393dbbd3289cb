import type { ContentState } from './content.contract.js'
import type { AuthType } from './integration.contract.js'

/** Whether its tokens are those of somebody who has logged in. */
export const needsVisitor = (authType: AuthType): boolean => authType !== 'Service Account'

/**
 * What of a content item stands against tokens of such integrations, if anything does: viewers need interactive content
 * that wants a login, service accounts also serve what is rendered or open. Content of which nothing is known yet may be
 * prepared.
 */
export function obstacleTo(
  authType: AuthType,
  { kind, access_type }: Pick<ContentState, 'kind' | 'access_type'>,
): 'kind' | 'access_type' | undefined {
  if (kind === 'static' || (kind === 'rendered' && needsVisitor(authType))) return 'kind'
  return access_type === 'all' && needsVisitor(authType) ? 'access_type' : undefined
}
