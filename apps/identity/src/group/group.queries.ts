import { Injectable } from '@nestjs/common'
import { DataSource } from 'typeorm'

/** The reads of groups. */
@Injectable()
export class GroupQueries {
  constructor(private readonly dataSource: DataSource) {}

  /** Name to guid, of those that there are. Case counts. */
  async byName(names: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const rows = await this.dataSource.query<{ guid: string; name: string }[]>(
      'select guid, name from user_group where name = any($1)',
      [names],
    )
    return new Map(rows.map(({ name, guid }) => [name, guid]))
  }
}
