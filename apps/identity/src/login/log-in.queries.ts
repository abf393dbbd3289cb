import { Injectable } from '@nestjs/common'
import { DataSource } from 'typeorm'
import { PROVIDER_ID, providerIdValue, type ProviderIdentity } from '../user/provider-identity.js'
import { USERNAME } from '../user/username.js'

/** What a login asks of people whom it does not know yet. */
@Injectable()
export class LogInQueries {
  constructor(private readonly dataSource: DataSource) {}

  /** The user whom a provider means, if there is one: by the exact unique ID and by nothing else. */
  async holderOf(identity: ProviderIdentity): Promise<string | undefined> {
    const [row] = await this.dataSource.query<{ holder: string }[]>(
      'select holder from reserved where kind = $1 and value = $2',
      [PROVIDER_ID, providerIdValue(identity)],
    )
    return row?.holder
  }

  /** Which of these usernames, in lower case, others have: for themselves alone, or because their provider says so. */
  async taken(usernames: readonly string[], exceptGuid: string): Promise<ReadonlySet<string>> {
    const rows = await this.dataSource.query<{ name: string }[]>(
      `select value as name from reserved where kind = $1 and value = any($2) and holder <> $3
       union
       select username_key from profile where current and username_key = any($2) and user_guid <> $3`,
      [USERNAME, usernames, exceptGuid],
    )
    return new Set(rows.map(({ name }) => name))
  }
}
