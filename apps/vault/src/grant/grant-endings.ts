import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'pg'
import {
  Injectable,
  Logger,
  Optional,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common'
import { v5 as uuidV5 } from 'uuid'
import { DomainError, integrationContract, userContract, type IntegrationState, type UserState } from '#libs/contracts'
import { sql, Streams, transaction } from '#libs/event-sourcing'
import { Replicas, type Applied } from '#libs/messaging'
import { Every } from '#libs/service'
import { ConsentRequests } from '../consent/consent-requests.js'
import { clientFingerprint } from '../provider/client-fingerprint.js'
import { endGrant } from '../revocation/end-grant.js'
import { forgetFormer, Revocations } from '../revocation/revocations.js'
import { Safe } from '../safe/index.js'
import type { RevocationReason } from './grant.events.js'

const SWEEP_MS = 10 * 60_000
/** So that the transaction that brought the news has ended, in ms. */
const SOON_MS = 100
const PAGE = 100

interface Over {
  guid: string
  generation: number
  user_guid: string
  reason: RevocationReason
}

/**
 * Ends grants whose integration is deleted, has become another client or has another provider, those of before
 * their client was noted, and those whose user is deleted or locked: at once when the news comes, and every ten minutes
 * for news that a process did not live to follow. The exchange refuses them from the first moment.
 */
@Injectable()
export class GrantEndings implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #logger = new Logger(GrantEndings.name)
  readonly #stop = new AbortController()
  readonly #every = new Every(
    SWEEP_MS,
    () => this.#run(),
    () => undefined,
  )
  #running: Promise<void> = Promise.resolve()

  constructor(
    private readonly pool: Pool,
    private readonly streams: Streams,
    private readonly safe: Safe,
    replicas: Replicas,
    @Optional() private readonly revocations?: Revocations,
  ) {
    replicas.of(integrationContract).onApplied((changes) => {
      if (changes.some(isAnother)) void this.#soon()
    })
    replicas.of<UserState>(userContract).onApplied((changes) => {
      if (changes.some(({ after }) => after === null || after.locked)) void this.#soon()
    })
  }

  onApplicationBootstrap(): void {
    this.#every.start()
    void this.#soon()
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stop.abort()
    await Promise.all([this.#every.stop(), this.#running])
  }

  /** @returns how many grants were ended */
  async sweep(): Promise<number> {
    let ended = 0
    for (;;) {
      const { rows } = await this.pool.query<Over>(sql`
        select oauth_grant.guid, generation, user_guid, 'integration_deleted' as reason
        from replica join oauth_grant on integration_guid = replica.guid and status <> 'revoked'
        where kind = 'integration' and state is null
        union
        select oauth_grant.guid, generation, user_guid, 'integration_changed'
        from former_integration as former
        join replica on kind = 'integration' and replica.guid = former.guid and replica.state is not null
        join oauth_grant on integration_guid = former.guid and oauth_grant.client = former.client and status <> 'revoked'
        union
        select oauth_grant.guid, generation, user_guid, 'integration_changed'
        from oauth_grant join replica on kind = 'integration' and replica.guid = integration_guid and state is not null
        where oauth_grant.client is null and status <> 'revoked'
        union
        select oauth_grant.guid, generation, user_guid, case when state is null then 'user_deleted' else 'user_locked' end
        from replica join oauth_grant on user_guid = replica.guid and status <> 'revoked'
        where kind = 'user' and (state is null or state ->> 'locked' = 'true')
        limit ${PAGE}`)
      const before = ended
      for (const over of rows) {
        if (this.#stop.signal.aborted) return ended
        try {
          if (await this.#end(over)) ended++
        } catch (error) {
          // One whose keys are away keeps no other waiting.
          if (!(error instanceof DomainError) || error.kind !== 'unavailable') throw error
          this.#logger.warn({ err: error, grant: over.guid }, 'a grant that is over cannot be ended yet')
        }
      }
      if (ended > before) this.revocations?.wake()
      if (rows.length === PAGE && ended > before) continue
      await forgetFormer(this.pool)
      return ended
    }
  }

  async #end({ guid, generation, user_guid, reason }: Over): Promise<boolean> {
    // A user who is unlocked may consent again, and be locked again.
    const commandId = uuidV5(`${reason}/${generation}`, guid)
    const actor = { type: 'service', name: 'vault' } as const
    const { streams, safe } = this
    // A consent to what the integration is now may have come in between.
    const only = reason === 'integration_changed' ? generation : undefined
    const ended = await endGrant({ streams, safe }, guid, reason, { actor, commandId }, only)
    if (reason === 'user_deleted' || reason === 'user_locked')
      await transaction(this.pool, (client) => new ConsentRequests(this.pool, safe).forget(client, user_guid))
    return ended
  }

  async #soon(): Promise<void> {
    await delay(SOON_MS, undefined, { signal: this.#stop.signal, ref: false }).catch(() => undefined)
    if (!this.#stop.signal.aborted) await this.#run()
  }

  /** One after the other. */
  #run(): Promise<void> {
    this.#running = this.#running
      .then(() => this.sweep())
      .then(
        () => undefined,
        (error: unknown) => this.#logger.warn({ err: error }, 'grants that are over could not be ended; tried again'),
      )
    return this.#running
  }
}

/** Whether what was got so far is of a client or provider that the integration is not any more. */
const isAnother = ({ before, after }: Applied<IntegrationState>): boolean =>
  after === null || (!!before && clientFingerprint(before) !== clientFingerprint(after))
