import { DomainError, MOST_SHARE_LINKS } from '#libs/contracts'
import type { ContentEvent } from './content.events.js'

/** By guid: when each ends, as RFC 3339; `null`: when it is revoked. */
export type ShareLinks = ReadonlyMap<string, string | null>

export interface NewShareLink {
  readonly linkGuid: string
  readonly tokenHash: string
  readonly expiresAt: string | null
}

/**
 * Clears away those that have ended, so that there is room for a new one.
 * @throws DomainError `request.parameter_invalid`
 */
export function createShareLink(links: ShareLinks, link: NewShareLink, now: Date): ContentEvent[] {
  if (links.has(link.linkGuid)) return []
  const isOver = (at: string | null): boolean => at !== null && Date.parse(at) <= now.getTime()
  if (isOver(link.expiresAt)) {
    throw new DomainError('invalid', 'request.parameter_invalid', 'The expires_at must be in the future.')
  }
  const ended = [...links].filter(([, expiresAt]) => isOver(expiresAt)).map(([guid]) => guid)
  if (links.size - ended.length >= MOST_SHARE_LINKS) {
    throw new DomainError(
      'invalid',
      'request.parameter_invalid',
      `Content can have ${MOST_SHARE_LINKS} share links at most: revoke one first.`,
    )
  }
  return [
    ...ended.map((linkGuid): ContentEvent => ({ type: 'ShareLinkRevoked', data: { linkGuid } })),
    { type: 'ShareLinkCreated', data: { ...link } },
  ]
}

/** @throws DomainError `share_link.not_found` */
export function revokeShareLink(links: ShareLinks, linkGuid: string): ContentEvent[] {
  if (!links.has(linkGuid)) {
    throw shareLinkNotFound()
  }
  return [{ type: 'ShareLinkRevoked', data: { linkGuid } }]
}

export const shareLinkNotFound = (): DomainError =>
  new DomainError('not_found', 'share_link.not_found', 'This content has no such share link.')
