import { Injectable } from '@nestjs/common'
import { DataSource } from 'typeorm'
import { DomainError } from '#libs/contracts'
import type { People } from './search.js'

/** What the audit log shows of a person. */
export interface AuditedPerson {
  /** Digits: the position of the event that made the person. */
  readonly id: string
  /** `Full name (username)`; the guid of somebody who has been erased. */
  readonly description: string
}

interface PersonRow {
  guid: string
  id: string | null
  name: string | null
  username: string | null
}

/** More people than this are not found by a word. */
const MOST_PEOPLE = 500

/** Names for the guids of the audit log, and guids for names. */
@Injectable()
export class AuditQueries implements People {
  constructor(private readonly dataSource: DataSource) {}

  /** Of those guids that mean or meant a person. */
  async people(guids: readonly string[]): Promise<ReadonlyMap<string, AuditedPerson>> {
    if (guids.length === 0) return new Map()
    const rows = await this.dataSource.query<PersonRow[]>(
      `select asked.guid, event.position::text as id, newest.username,
         trim(newest.first_name || ' ' || newest.last_name) as name
       from unnest($1::text[]) as asked (guid)
       left join event on event.stream_id = 'user-' || asked.guid and event.version = 1
       left join lateral (
         select username, first_name, last_name from profile
         where user_guid = asked.guid::uuid order by version desc limit 1
       ) as newest on true`,
      [guids],
    )
    return new Map(rows.map((row) => [row.guid, { id: row.id ?? '0', description: descriptionOf(row) }]))
  }

  /** The person with this numeric id. */
  async ofId(id: string): Promise<string | undefined> {
    const [row] = await this.dataSource.query<{ guid: string }[]>(
      `select substring(stream_id from 6) as guid from event
       where position = $1 and version = 1 and starts_with(stream_id, 'user-')`,
      [id],
    )
    return row?.guid
  }

  /**
   * The people whose username, first or last name is this word, in any case.
   * @throws DomainError `audit.filter_invalid` when they are more than `MOST_PEOPLE`
   */
  async named(word: string): Promise<readonly string[]> {
    const rows = await this.dataSource.query<{ guid: string }[]>(
      `select user_guid as guid from profile
       where current and (username_key = name_key($1) or first_name_key = name_key($1) or last_name_key = name_key($1)) limit $2`,
      [word.toLowerCase(), MOST_PEOPLE + 1],
    )
    if (rows.length <= MOST_PEOPLE) return rows.map(({ guid }) => guid)
    throw new DomainError(
      'invalid',
      'audit.filter_invalid',
      `More than ${MOST_PEOPLE} people have this name; use the filter user_guid.`,
    )
  }
}

function descriptionOf({ guid, name, username }: PersonRow): string {
  if (!username) return guid
  return name ? `${name} (${username})` : username
}
