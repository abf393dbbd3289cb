import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'pg'
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common'
import { sql, transaction } from '#libs/event-sourcing'
import { ExchangeSettings } from '#libs/service'
import { Safe } from '../safe/index.js'
import { GrantQueries } from './grant.queries.js'
import { tokenPlace } from './grant.stream.js'
import { SHRED_FORMER } from './grant.tokens.js'
import { Refreshes } from './refresh.js'

const LONGEST_INTERVAL_MS = 5_000
const PAGE = 100
/** After an answer that did not come, before the next try; and how long tries are made for nobody. */
const PAUSE_MS = 5_000
const HOPE_MS = 10 * 60_000
/** How long providers with a grace take a used refresh token: none that we know of takes it longer. */
const GRACE_MS = 5 * 60_000

/**
 * Finds refreshes of which nobody knows what became, at the start and every few seconds, and has them made good while
 * the provider may still help; destroys former refresh tokens whose grace is over. Times are the database's.
 */
@Injectable()
export class RefreshSweep implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #logger = new Logger(RefreshSweep.name)
  readonly #stop = new AbortController()
  #running: Promise<void> = Promise.resolve()

  constructor(
    private readonly pool: Pool,
    private readonly grants: GrantQueries,
    private readonly refreshes: Refreshes,
    private readonly safe: Safe,
    private readonly settings: ExchangeSettings,
  ) {}

  onApplicationBootstrap(): void {
    this.#running = this.#run()
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  /** @returns when what it has begun is over; nobody else has to wait for that */
  async sweep(): Promise<{ readonly settled: Promise<unknown> }> {
    const unsettled = await this.grants.unsettled(PAGE, { pauseMs: PAUSE_MS, hopeMs: HOPE_MS })
    const tries = unsettled.flatMap(({ integration, ...grant }) => this.refreshes.recover(grant, integration) ?? [])
    await this.#shred()
    return { settled: Promise.all(tries) }
  }

  async #shred(): Promise<void> {
    await transaction(this.pool, async (client) => {
      const { rows } = await client.query<{ key: string; data: { before: number } }>(sql`
        delete from todo where kind = ${SHRED_FORMER} and key in (
          select key from todo where kind = ${SHRED_FORMER}
            and enqueued_at < clock_timestamp() - ${GRACE_MS} * interval '1 millisecond'
          limit ${PAGE} for update skip locked)
        returning key, data`)
      for (const { key, data } of rows) await this.safe.destroy(client, tokenPlace(key, 'refresh_token'), data)
    })
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    const interval = Math.min(LONGEST_INTERVAL_MS, this.settings.refreshLeaseMs / 2)
    while (!signal.aborted) {
      try {
        await this.sweep()
      } catch (err) {
        this.#logger.warn({ err }, 'refreshes in doubt could not be looked for; tried again')
      }
      // Processes that were started together need not look together.
      await delay(interval * (0.75 + Math.random() / 2), undefined, { signal, ref: false }).catch(() => undefined)
    }
  }
}
