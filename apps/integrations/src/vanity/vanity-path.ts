import { DomainError, isReservedPath, MOST_VANITY_PARTS } from '#libs/contracts'

const SEGMENT = /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?$/
const MOST_CHARACTERS = 255

/**
 * One form for what clients write in several: `sales`, `/sales` and `sales/` are `/sales/`.
 * @throws DomainError `vanity.path_not_permitted`
 */
export function vanityPathOf(given: string): string {
  const segments = given.replace(/^\/|\/$/g, '').split('/')
  if (
    given.length > MOST_CHARACTERS ||
    segments.length > MOST_VANITY_PARTS ||
    !segments.every((one) => SEGMENT.test(one))
  ) {
    throw notPermitted(
      `The path must have 1 to ${MOST_VANITY_PARTS} parts of letters, digits, dots, hyphens and underscores, and at most ${MOST_CHARACTERS} characters.`,
    )
  }
  const path = `/${segments.join('/')}/`
  if (isReservedPath(path)) throw notPermitted('The path begins with a word that this server keeps for itself.')
  return path
}

/** The paths that contain it, the longest last. */
export function ancestorsOf(path: string): string[] {
  const segments = path.slice(1, -1).split('/')
  return segments.slice(1).map((_, index) => `/${segments.slice(0, index + 1).join('/')}/`)
}

const notPermitted = (message: string): DomainError => new DomainError('invalid', 'vanity.path_not_permitted', message)
