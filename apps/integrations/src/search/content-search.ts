import { Injectable } from '@nestjs/common'
import { Pool } from 'pg'
import type { Person } from '#libs/contracts'
import { ServerSettings } from '#libs/service'
import { ContentIncludes, type Include } from '../content/content-includes.js'
import { contentView, type ContentView } from '../content/content.dto.js'
import { ContentQueries, type SeenContent } from '../content/content.queries.js'
import type { SearchTerm } from './search-terms.js'

interface Page {
  /** Counted from 1. */
  readonly number: number
  readonly size: number
}

type Parameter = (value: unknown) => string

/** Finds content among what somebody may know of. */
@Injectable()
export class ContentSearch {
  constructor(
    private readonly pool: Pool,
    private readonly contents: ContentQueries,
    private readonly includes: ContentIncludes,
    private readonly server: ServerSettings,
  ) {}

  /** One page, oldest first, and how many there are on all. @throws DomainError `replica.stale` (unavailable) */
  async find(
    terms: readonly SearchTerm[],
    caller: Person,
    page: Page,
    includes: readonly Include[],
  ): Promise<{ results: ContentView[]; total: number }> {
    const { guids, total } = await this.#guids((parameter) => conditionsOf(terms, caller, parameter), caller, page)
    return { results: await this.#views(guids, caller, includes), total }
  }

  async #guids(
    conditions: (parameter: Parameter) => string[],
    caller: Person,
    page?: Page,
  ): Promise<{ guids: string[]; total: number }> {
    const values: unknown[] = []
    const parameter: Parameter = (value) => `$${values.push(value)}`
    const { role, visible } = await this.contents.seeing(caller, parameter)
    const where = [visible, ...conditions(parameter)].join(' and ')
    const limits = page ? `limit ${parameter(page.size)} offset ${parameter((page.number - 1) * page.size)}` : ''
    const { rows } = await this.pool.query<{ guids: string[]; total: number }>({
      text: `
        with found as materialized (
          select content.guid, content.position, ${role} as role from content where ${where}
        )
        select (select count(*) from found)::int as total,
          array(select guid from found order by position ${limits}) as guids`,
      values,
    })
    return rows[0]!
  }

  async #views(guids: readonly string[], caller: Person, includes: readonly Include[]): Promise<ContentView[]> {
    const values: unknown[] = []
    const parameter: Parameter = (value) => `$${values.push(value)}`
    const { role, visible } = await this.contents.seeing(caller, parameter)
    const { rows } = await this.pool.query<SeenContent>({
      text: `select ${this.contents.columns}, ${role} as "appRole" from content
        where ${visible} and guid = any(${parameter(guids)}::uuid[]) order by position`,
      values,
    })
    const included = await this.includes.of(rows, includes)
    return rows.map((content) => contentView(content, this.server, included.get(content.guid)))
  }
}

function conditionsOf(terms: readonly SearchTerm[], caller: Person, parameter: Parameter): string[] {
  const words = terms.flatMap((term) => (term.kind === 'word' ? [term] : []))
  // A word has no punctuation, so it cannot end the quotation. All of them are one question to the index.
  const query = words.map(({ not, word }) => `${not ? '!' : ''}'${word}':*`).join(' & ')
  return [
    ...(query === '' ? [] : [`content.words @@ to_tsquery('simple', ${parameter(query)})`]),
    ...terms.flatMap((term) => {
      if (term.kind === 'word') return []
      const condition = filterOf(term, caller, parameter)
      return term.not ? `not ${condition}` : condition
    }),
  ]
}

function filterOf(term: Exclude<SearchTerm, { kind: 'word' }>, caller: Person, parameter: Parameter): string {
  switch (term.kind) {
    case 'owner':
      if (term.value === '@me') return `(content.owner_guid = ${parameter(caller.guid)}::uuid)`
      return `(content.owner_guid in (select guid from replica
        where kind = 'user' and lower(state ->> 'username') = lower(${parameter(term.value)})))`
    case 'tag':
      return `(content.guid in (select content_guid from content_tag join tag on tag.guid = content_tag.tag_guid
        where tag.parent_guid is not null and lower(tag.name) = lower(${parameter(term.value)})))`
    case 'type':
      return `(content.app_mode = ${parameter(term.value)})`
    case 'locked':
      return '(content.locked)'
    case 'unlocked':
      return '(not content.locked)'
  }
}
