import { Injectable } from '@nestjs/common'
import {
  comparePlaces,
  type AuditAnswer,
  type AuditEntry,
  type AuditPlace,
  type AuditQuestion,
  MOST_COUNTED,
} from '#libs/contracts'
import { AuditReader } from '#libs/event-sourcing'
import { InternalHttp } from '#libs/service'
import { entryView, type AuditEntryView } from './audit.dto.js'
import { AuditQueries } from './audit.queries.js'

export interface AuditListing extends Pick<AuditQuestion, 'conditions' | 'since' | 'before' | 'count'> {
  /** From 1 to 500. */
  readonly limit: number
  readonly ascending: boolean
  /** Which way to go from `place`, in the listing's order: on from it, or back. */
  readonly back: boolean
  /** Absent: from the listing's beginning; going back, from its end. */
  readonly place?: AuditPlace | undefined
}

export interface AuditPage {
  /** In the listing's order. */
  readonly entries: readonly AuditEntry[]
  /** Whether there are more in the direction in which the listing went. */
  readonly more: boolean
  /** Present when it was asked for. */
  readonly total: number | undefined
}

type Sources = (question: AuditQuestion) => Promise<readonly AuditAnswer[]>

/** The logs of all services, read as one. */
@Injectable()
export class AuditLog {
  constructor(
    private readonly own: AuditReader,
    private readonly http: InternalHttp,
    private readonly queries: AuditQueries,
  ) {}

  /** @throws DomainError `service.unavailable` when any of the services does not answer */
  page(listing: AuditListing): Promise<AuditPage> {
    return merge(listing, (question) =>
      Promise.all([
        this.own.answer(question),
        this.http.call<AuditAnswer>('auditOfIntegrations', { body: question }),
        this.http.call<AuditAnswer>('auditOfVault', { body: question }),
      ]),
    )
  }

  /** Entries as people read them, with names as they are today. */
  async views(entries: readonly AuditEntry[]): Promise<AuditEntryView[]> {
    const guids = entries.flatMap(({ user_guid: guid }) => (guid === null ? [] : [guid]))
    const people = await this.queries.people([...new Set(guids)])
    return entries.map((entry) => entryView(entry, people))
  }
}

/**
 * One page of all sources. It ends before the first moment of which any source cannot say yet what belongs to it, so
 * that nothing will ever be added between entries that have been shown.
 */
export async function merge(
  { limit, ascending, back, place, conditions, since, before, count }: AuditListing,
  ask: Sources,
): Promise<AuditPage> {
  const forwardInTime = ascending !== back
  const question: AuditQuestion = {
    limit: limit + 1,
    order: forwardInTime ? 'ascending' : 'descending',
    ...(place && { after: place }),
    ...(conditions && { conditions }),
    ...(since !== undefined && { since }),
    ...(before !== undefined && { before }),
  }
  const answers = await ask({ ...question, ...(count && { count }) })
  const until = answers.map((answer) => answer.complete_until).reduce((one, other) => (other < one ? other : one))
  const complete = (entries: readonly AuditEntry[]) => entries.filter(({ at }) => at < until)
  let found = answers.flatMap(({ entries }) => entries)
  // Backwards in time the entries that are too new have taken the place of older ones.
  if (!forwardInTime && complete(found).length < found.length) {
    found = (await ask({ ...question, until })).flatMap(({ entries }) => entries)
  }
  const sign = forwardInTime ? 1 : -1
  const sorted = complete(found).sort((one, other) => sign * comparePlaces(one, other))
  const entries = sorted.slice(0, limit)
  return {
    entries: back ? entries.reverse() : entries,
    more: sorted.length > limit,
    total: count ? answers.reduce((sum, { total = 0 }) => Math.min(sum + total, MOST_COUNTED), 0) : undefined,
  }
}
