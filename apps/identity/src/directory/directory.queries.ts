import { Injectable } from '@nestjs/common'
import { DataSource } from 'typeorm'
import { PROVIDER_ID, providerIdValue, type ProviderIdentity } from '../user/provider-identity.js'

@Injectable()
export class DirectoryQueries {
  constructor(private readonly dataSource: DataSource) {}

  /** Users whom a provider means by these unique IDs, by unique ID; by that and by nothing else. */
  async holdersOf(issuer: string, uniqueIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const valueOf = (uniqueId: string): string => providerIdValue({ issuer, uniqueId } satisfies ProviderIdentity)
    const byValue = new Map(uniqueIds.map((uniqueId) => [valueOf(uniqueId), uniqueId]))
    const rows = await this.dataSource.query<{ value: string; holder: string }[]>(
      'select value, holder from reserved where kind = $1 and value = any($2)',
      [PROVIDER_ID, [...byValue.keys()]],
    )
    return new Map(rows.map(({ value, holder }) => [byValue.get(value)!, holder]))
  }
}
