import { Injectable, Logger } from '@nestjs/common'
import { DataSource } from 'typeorm'

const ONCE_IN_MS = 15 * 60_000
/** Keys whose last note this process remembers; the oldest notes are forgotten, and the database knows them anyway. */
const REMEMBERED = 10_000

/** Notes when API keys are used, at most once in 15 minutes each: a write for every request would cost more than it tells. */
@Injectable()
export class ApiKeyUse {
  readonly #logger = new Logger(ApiKeyUse.name)
  readonly #noted = new Map<string, number>()

  constructor(private readonly dataSource: DataSource) {}

  /** Never refuses: a key is not worse for a use that could not be noted. */
  async note(guid: string, now: Date = new Date()): Promise<void> {
    const last = this.#noted.get(guid)
    if (last !== undefined && now.getTime() - last < ONCE_IN_MS) return
    this.#noted.delete(guid)
    this.#noted.set(guid, now.getTime())
    for (const [oldest] of this.#noted) {
      if (this.#noted.size <= REMEMBERED) break
      this.#noted.delete(oldest)
    }
    try {
      // Another process may have noted it. A key that is deleted meanwhile must not leave a note behind.
      await this.dataSource.query(
        `insert into api_key_use (guid, used_at) select guid, $2 from api_key where guid = $1
         on conflict (guid) do update set used_at = excluded.used_at
         where api_key_use.used_at <= excluded.used_at - $3 * interval '1 millisecond'`,
        [guid, now, ONCE_IN_MS],
      )
    } catch (error) {
      this.#noted.delete(guid)
      this.#logger.warn({ err: error, api_key: guid }, 'the use of an API key could not be noted')
    }
  }
}
