import { AUDIT_SOURCES, DomainError, type AuditPlace, type AuditSource } from '#libs/contracts'

const CURSOR = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) ([0-3]) (\d{1,18})$/

/** Stands for the place behind all entries. */
export const END = 'end'

export const cursorOf = ({ at, source, position }: AuditPlace): string =>
  Buffer.from(`${at} ${source} ${position}`).toString('base64url')

/** @throws DomainError `request.parameter_invalid` for what is no cursor of ours */
export function placeOf(name: 'next' | 'previous', cursor: string): AuditPlace {
  const [, at, source, position] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (!at || !position || Number.isNaN(Date.parse(at))) {
    throw new DomainError(
      'invalid',
      'request.parameter_invalid',
      `The parameter ${name} must be a cursor that an answer has given.`,
    )
  }
  return { at, source: Number(source) as AuditSource, position }
}

/** The API's number of an entry: the number of its source is the rest of its division by the number of sources. */
export const entryId = ({ source, position }: AuditPlace): string =>
  (BigInt(position) * BigInt(Object.keys(AUDIT_SOURCES).length) + BigInt(source)).toString()
