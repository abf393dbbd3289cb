import { DomainError, isAtLeast, type Person, type Role } from '#libs/contracts'

/** Somebody at the shell may change every group; of people, administrators and owners may. */
export type GroupEditor = Person | 'operator'

const LONGEST = 255

/**
 * What nobody sees, and what turns the direction of writing: with it a group would pass for another. Joiners are not among
 * them, without which some scripts and emoji cannot be written.
 */
const UNSEEN = /[\p{Cc}\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]/u

/** Whether a group can be called, or identified, so. White space counts, but is not enough. */
export const isGroupText = (text: string): boolean =>
  text.trim() !== '' && text.length <= LONGEST && !UNSEEN.test(text) && text.isWellFormed()

/** @throws DomainError `group.name_invalid` */
export function checkName(name: string): void {
  if (isGroupText(name)) return
  throw new DomainError(
    'invalid',
    'group.name_invalid',
    `The name must have 1 to ${LONGEST} characters that can be seen.`,
  )
}

/** @throws DomainError `group.unique_id_blank` */
export function checkUniqueId(uniqueId: string): void {
  if (isGroupText(uniqueId)) return
  throw new DomainError(
    'invalid',
    'group.unique_id_blank',
    `The unique_id must have 1 to ${LONGEST} characters that can be seen: it is what the login provider calls the group.`,
  )
}

/**
 * Who may change a group, remove it, and say who is in it. An owner needs to be, and to come as, a publisher, so that a
 * viewer's API key of theirs only reads.
 */
export const mayManage = (editor: GroupEditor, { ownerGuid }: { readonly ownerGuid: string | null }): boolean =>
  editor === 'operator' || editor.role === 'administrator' || (editor.guid === ownerGuid && canOwn(editor.role))

export const canOwn = (role: Role): boolean => isAtLeast(role, 'publisher')

export const mayCreate = (person: Person, settings: { readonly publishersCanOwnGroups: boolean }): boolean =>
  isAtLeast(person.role, settings.publishersCanOwnGroups ? 'publisher' : 'administrator')
