import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'pg'
import { Injectable, Logger, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common'
import { v5 as uuidV5 } from 'uuid'
import { integrationContract, userContract } from '#libs/contracts'
import { sql, Streams } from '#libs/event-sourcing'
import { Replicas } from '#libs/messaging'
import { Safe } from '../safe/index.js'
import type { RevocationReason } from './grant.events.js'
import { grantStream, tokenPlace } from './grant.stream.js'

const SWEEP_MS = 10 * 60_000
/** So that the transaction that brought the news has ended, in ms. */
const SOON_MS = 100
const PAGE = 100

/**
 * Ends grants whose integration or user is deleted: at once when the news comes, and every ten minutes for news that a
 * process did not live to follow. The exchange refuses them from the first moment.
 */
@Injectable()
export class GrantEndings implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #logger = new Logger(GrantEndings.name)
  readonly #stop = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(
    private readonly pool: Pool,
    private readonly streams: Streams,
    private readonly safe: Safe,
    replicas: Replicas,
  ) {
    for (const contract of [integrationContract, userContract]) {
      replicas.of<unknown>(contract).onApplied((changes) => {
        if (changes.some(({ after }) => after === null)) void this.#soon()
      })
    }
  }

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => this.#run(), SWEEP_MS).unref()
    void this.#soon()
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.#timer)
    this.#stop.abort()
    await this.#running
  }

  /** @returns how many grants were ended */
  async sweep(): Promise<number> {
    let ended = 0
    for (;;) {
      const { rows } = await this.pool.query<{ guid: string; reason: RevocationReason }>(sql`
        select oauth_grant.guid, 'integration_deleted' as reason
        from replica join oauth_grant on integration_guid = replica.guid and status <> 'revoked'
        where kind = 'integration' and state is null
        union
        select oauth_grant.guid, 'user_deleted'
        from replica join oauth_grant on user_guid = replica.guid and status <> 'revoked'
        where kind = 'user' and state is null
        limit ${PAGE}`)
      const before = ended
      for (const { guid, reason } of rows) {
        if (this.#stop.signal.aborted) return ended
        if (await this.#end(guid, reason)) ended++
      }
      if (rows.length < PAGE || ended === before) return ended
    }
  }

  async #end(guid: string, reason: RevocationReason): Promise<boolean> {
    const context = { actor: { type: 'service', name: 'vault' }, commandId: uuidV5(reason, guid) } as const
    const { events } = await this.streams.handle(grantStream, guid, { type: 'RevokeGrant', reason }, context, {
      record: async (client) => {
        await this.safe.destroy(client, tokenPlace(guid, 'access_token'))
        await this.safe.destroy(client, tokenPlace(guid, 'refresh_token'))
      },
    })
    return events.length > 0
  }

  async #soon(): Promise<void> {
    await delay(SOON_MS, undefined, { signal: this.#stop.signal, ref: false }).catch(() => undefined)
    if (!this.#stop.signal.aborted) this.#run()
  }

  /** One after the other. */
  #run(): void {
    this.#running = this.#running
      .then(() => this.sweep())
      .then(
        () => undefined,
        (error: unknown) => this.#logger.warn({ err: error }, 'grants that are over could not be ended; tried again'),
      )
  }
}
