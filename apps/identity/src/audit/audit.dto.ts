import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger'
import { Transform, Type } from 'class-transformer'
import { IsBoolean, IsInt, IsString, Max, MaxLength, Min } from 'class-validator'
import { DomainError, type AuditEntry, type AuditPlace } from '#libs/contracts'
import { MayBeAbsent, toBoolean, toTime } from '#libs/service'
import { cursorOf, END, entryId, placeOf } from './audit-cursor.js'
import type { AuditListing, AuditPage } from './audit-log.js'
import type { AuditedPerson } from './audit.queries.js'

export class AuditEntryView {
  @ApiProperty({ description: 'Digits; never given to another entry.' })
  id: string

  @ApiProperty({ description: 'RFC 3339.' })
  time: string

  @ApiProperty({ description: 'The numeric id of the person who did it; `0` for the system.' })
  user_id: string

  @ApiProperty({ description: 'The person who did it; `null` for the system.', nullable: true, type: String })
  user_guid: string | null

  @ApiProperty({ description: '`Full name (username)` as it is today, the GUID of somebody erased, or the process.' })
  user_description: string

  @ApiProperty({ description: 'One of `/v1/audit/actions`.' })
  action: string

  @ApiProperty({ description: 'What was done, to what.' })
  event_description: string
}

class AuditCursors {
  @ApiProperty({ description: 'For the parameter `previous`.', nullable: true, type: String })
  previous: string | null

  @ApiProperty({ description: 'For the parameter `next`.', nullable: true, type: String })
  next: string | null
}

export class AuditPaging {
  @ApiProperty({ description: 'The same as in the URLs.', type: AuditCursors })
  cursors: AuditCursors

  @ApiProperty({ description: 'URL of the first page; `null` when there is nothing.', nullable: true, type: String })
  first: string | null

  @ApiProperty({ description: 'URL of the page before; `null` on the first.', nullable: true, type: String })
  previous: string | null

  @ApiProperty({ description: 'URL of the page after; `null` on the last.', nullable: true, type: String })
  next: string | null

  @ApiProperty({ description: 'URL of the last page; `null` when there is nothing.', nullable: true, type: String })
  last: string | null
}

export class AuditPageView {
  @ApiProperty({ description: 'In order of time.', type: [AuditEntryView] })
  results: AuditEntryView[]

  @ApiProperty({ description: 'The way to the other pages.', type: AuditPaging })
  paging: AuditPaging
}

export class AuditSearchView extends AuditPageView {
  @ApiProperty({ description: 'How many entries fit, on all pages; nobody counts beyond 10,000.' })
  total: number
}

export class AuditActionView {
  @ApiProperty({ description: 'Verb and noun.' })
  action: string

  @ApiProperty({ description: 'What it means that an entry has this action.' })
  description: string
}

export class AuditQuery {
  @ApiPropertyOptional({ description: 'At most 500.', type: Number, default: 20 })
  @MayBeAbsent()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(500)
  limit = 20

  @ApiPropertyOptional({ description: 'The cursor of the page after another.' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(100)
  next?: string

  @ApiPropertyOptional({ description: 'The cursor of the page before another.' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(100)
  previous?: string

  @ApiPropertyOptional({ description: 'Whether the oldest come first.', type: Boolean, default: true })
  @MayBeAbsent()
  @Transform(toBoolean)
  @IsBoolean()
  ascOrder = true
}

export class AuditSearchQuery extends AuditQuery {
  @ApiPropertyOptional({
    description:
      'Words of actions, of things’ names and guids, and names of people; filters `action:`, `user_guid:`, `user_id:`, ' +
      '`from:`, `to:`. A `-` before either means that it must not be so. Quotes keep words together.',
    default: '',
  })
  @MayBeAbsent()
  @IsString()
  @MaxLength(1000)
  q = ''

  @ApiPropertyOptional({ description: 'Whether the oldest come first.', type: Boolean, default: false })
  @MayBeAbsent()
  @Transform(toBoolean)
  @IsBoolean()
  override ascOrder = false
}

/** @throws DomainError `request.parameter_invalid` */
export function listingOf({
  limit,
  next,
  previous,
  ascOrder,
}: AuditQuery): Pick<AuditListing, 'limit' | 'ascending' | 'back' | 'place'> {
  if (next && previous) {
    throw new DomainError(
      'invalid',
      'request.parameter_invalid',
      'The parameters next and previous exclude each other.',
    )
  }
  const place = next ? placeOf('next', next) : previous && previous !== END ? placeOf('previous', previous) : undefined
  return { limit, ascending: ascOrder, back: Boolean(previous), place }
}

export function entryView(entry: AuditEntry, people: ReadonlyMap<string, AuditedPerson>): AuditEntryView {
  const { user_guid, process, action, event_description } = entry
  const person = user_guid === null ? undefined : people.get(user_guid)
  return {
    id: entryId(entry),
    time: toTime(new Date(entry.at)),
    user_id: person?.id ?? '0',
    user_guid,
    user_description: person?.description ?? user_guid ?? process ?? 'System',
    action,
    event_description,
  }
}

/** @param urlOf the same listing with one other parameter, or none */
export function pagingOf(
  query: Pick<AuditQuery, 'next' | 'previous'>,
  { entries, more }: Pick<AuditPage, 'entries' | 'more'>,
  urlOf: (parameter: { next?: string; previous?: string }) => string,
): AuditPaging {
  const back = Boolean(query.previous)
  // An empty page keeps the way back to where the reader came from.
  const cursor = (place: AuditPlace | undefined, from: string | undefined) => (place ? cursorOf(place) : from || null)
  const hasPrevious = back ? more : Boolean(query.next)
  const hasNext = back ? query.previous !== END : more
  const previous = hasPrevious ? cursor(entries[0], query.next) : null
  const next = hasNext ? cursor(entries.at(-1), query.previous) : null
  const empty = entries.length === 0 && !query.next && (!back || query.previous === END)
  return {
    cursors: { previous, next },
    first: empty ? null : urlOf({}),
    previous: previous === null ? null : urlOf({ previous }),
    next: next === null ? null : urlOf({ next }),
    last: empty ? null : urlOf({ previous: END }),
  }
}
