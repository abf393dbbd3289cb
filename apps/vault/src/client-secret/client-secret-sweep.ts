import { Pool } from 'pg'
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common'
import type { SecretStanding } from '#libs/contracts'
import { sql } from '#libs/event-sourcing'
import { Every, InternalHttp } from '#libs/service'
import { REVOKE_UPSTREAM } from '../revocation/owed-revocations.js'
import { parsePlace } from '../safe/index.js'

const SWEEP_MS = 10 * 60_000
/** Seconds that a replaced secret is kept: a refresh that began before may still need it. */
const FORMER_SECONDS = 3_600
/** Seconds after which a secret that was handed over and never named is not going to be. */
const NEVER_SECONDS = 24 * 3_600
const PAGE = 500

/**
 * Destroys client secrets that nobody names any more, unless a provider is still to hear of the end of a token. This
 * service's copy only spares questions: what it does not name is asked of integrations, and without a clear answer it
 * stays.
 */
@Injectable()
export class ClientSecretSweep implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #logger = new Logger(ClientSecretSweep.name)
  readonly #every = new Every(
    SWEEP_MS,
    () => this.sweep(),
    (error) => this.#logger.warn({ err: error }, 'client secrets could not be looked through'),
  )

  constructor(
    private readonly pool: Pool,
    private readonly http: InternalHttp,
  ) {}

  onApplicationBootstrap(): void {
    this.#every.start()
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.#every.stop()
  }

  /** @returns how many secrets were destroyed */
  async sweep(): Promise<number> {
    let destroyed = 0
    for (let after = ''; ;) {
      const { rows } = await this.pool.query<{ place: string; age: number }>(sql`
        select place, extract(epoch from clock_timestamp() - sealed_at)::float8 as age
        from safe
        left join replica on kind = 'integration' and guid = split_part(place, '/', 3)::uuid
        where place > ${after === '' ? 'client_secret/' : after} and place < 'client_secret0'
          and sealed_at < clock_timestamp() - make_interval(secs => ${FORMER_SECONDS})
          and (state -> 'client' ->> 'client_secret_reference') is distinct from split_part(place, '/', 2)
          and not exists (
            select from todo
            where todo.kind = ${REVOKE_UPSTREAM} and data ->> 'integration_guid' = split_part(place, '/', 3))
        order by place limit ${PAGE}`)
      for (const { place, age } of rows) if (await this.#isOver(place, age)) destroyed += await this.#destroy(place)
      if (rows.length < PAGE) return destroyed
      after = rows.at(-1)!.place
    }
  }

  async #isOver(name: string, ageSeconds: number): Promise<boolean> {
    const [, reference, integrationGuid] = parsePlace(name)
    const params = { guid: integrationGuid!, reference: reference! }
    try {
      const { standing, since } = await this.http.call<SecretStanding>('namesSecret', { params })
      switch (standing) {
        case 'current':
          return false
        case 'former':
          return since !== null && Date.now() - Date.parse(since) > FORMER_SECONDS * 1000
        case 'never':
          return ageSeconds > NEVER_SECONDS
        default:
          return false
      }
    } catch (error) {
      this.#logger.warn({ err: error, integration: integrationGuid }, 'nobody says whether a client secret is wanted')
      return false
    }
  }

  async #destroy(name: string): Promise<number> {
    // Not what has been handed over again since the question.
    const { rowCount } = await this.pool.query(sql`
      delete from safe
      where place = ${name} and sealed_at < clock_timestamp() - make_interval(secs => ${FORMER_SECONDS})`)
    if (rowCount) this.#logger.log({ place: name }, 'a client secret that nobody names any more is destroyed')
    return rowCount ?? 0
  }
}
