import { DomainError } from '#libs/contracts'
import { MOST_PEOPLE, type AuditQueries } from './audit.queries.js'
import type { People } from './search.js'

/** The people whom a search of the audit log speaks of. */
export class MatchedPeople implements People {
  constructor(private readonly queries: AuditQueries) {}

  async named(word: string): Promise<readonly string[]> {
    const guids = await this.queries.peopleNamed(word)
    if (guids.length <= MOST_PEOPLE) return guids
    throw new DomainError(
      'invalid',
      'audit.filter_invalid',
      `More than ${MOST_PEOPLE} people have this name; use the filter user_guid.`,
      { payload: { word } },
    )
  }

  ofId(id: string): Promise<string | undefined> {
    return this.queries.personOfId(id)
  }
}
