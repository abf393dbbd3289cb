import { Injectable } from '@nestjs/common'
import { DataSource } from 'typeorm'
import { PROVIDER_ID, providerIdValue, type ProviderIdentity } from '../user/provider-identity.js'
import { USERNAME } from '../user/username.js'
import { numberedUsername } from '../user/username-rules.js'

const NAMES_A_TIME = 100

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
       select name from unnest($2::text[]) as name join profile on username_key = name_key(name)
       where current and user_guid <> $3`,
      [USERNAME, usernames, exceptGuid],
    )
    return new Set(rows.map(({ name }) => name))
  }

  /**
   * ID-20: a derived name that somebody has gets the next free number.
   * @param skip how many of the free-looking ones have turned out to be taken
   */
  async freeName(name: string, exceptGuid: string, skip: number): Promise<string> {
    for (let first = 1 + skip; ; first += NAMES_A_TIME) {
      const names = Array.from({ length: NAMES_A_TIME }, (_, index) => numberedUsername(name, first + index))
      const taken = await this.taken(
        names.map((one) => one.toLowerCase()),
        exceptGuid,
      )
      const free = names.find((one) => !taken.has(one.toLowerCase()))
      if (free !== undefined) return free
    }
  }
}
