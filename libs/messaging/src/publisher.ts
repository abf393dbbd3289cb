import { setTimeout as delay } from 'node:timers/promises'
import { heartbeatSubject, jetStreamName, type ChangeMessage, type Heartbeat, type ServiceName } from '#libs/contracts'
import { checkOut } from '#libs/event-sourcing'
import {
  JetStreamApiCodes,
  JetStreamApiError,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type JetStreamClient,
  type JetStreamManager,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream'
import { Logger } from '@nestjs/common'
import type { Pool, PoolClient } from 'pg'
import { atMost } from './at-most.js'
import type { Broker } from './broker.js'
import { changeMessage, type PublishedSource } from './published.js'
import { isLower } from './replica-store.js'
import { guidOfStream } from './subject.js'

export interface ChangePublisherOptions {
  readonly service: ServiceName
  /** The serving role's; its search path finds the log's tables. */
  readonly pool: Pool
  readonly broker: Broker
  /** Everything that the service publishes, one for each category. */
  readonly sources: readonly PublishedSource[]
  /** How often the outbox is looked at when nobody calls `wake`, ms. */
  readonly pollMs?: number
  readonly heartbeatMs?: number
  /** How long a stream that cannot be published is left alone at first, ms; doubled each time, a minute at most. */
  readonly retryMs?: number
  /** How long JetStream has to acknowledge, ms. */
  readonly ackMs?: number
  /** Whether one process leads and the others only stand by. Economy: nothing rests on it. */
  readonly exclusive?: boolean
}

/** What a publisher has done since it started; for metrics. */
export interface PublisherStatistics {
  readonly published: number
  /** Messages that were not needed since a newer one was there. */
  readonly overtaken: number
  readonly failed: number
  /** How often everything was published again because the broker had lost messages. */
  readonly repairs: number
  /** Streams that cannot be published at present. */
  readonly deferred: number
}

interface OutboxRow {
  readonly stream_id: string
  readonly version: number
  readonly announced_version: number
  readonly sequence: string
  readonly cause: string[]
}

/** A stream whose state is in JetStream: up to `published` by us, `version` at `sequence` by whomever. */
interface Announced {
  readonly stream_id: string
  readonly version: number
  readonly sequence: number
  readonly published: number
}

interface Deferred {
  readonly until: number
  readonly failures: number
}

const PAGE = 200
/** Reads at once: enough to hide the way to the database, few enough to leave the pool to requests. */
const READERS = 4
const FOLLOW_MS = 1000
/** A leader that leaves changes lying for longer than this is helped. */
const HELP_AFTER = '3 seconds'
/** What is then not yet acknowledged stays in the outbox. */
const CLOSE_MS = 500
/** Any number that nothing else in the database locks. */
const LOCK = [0x6b62, 1]

const NEXT_PAGE = `
  select o.stream_id, o.version, coalesce(a.version, 0) as announced_version, coalesce(a.sequence, 0) as sequence,
    array(
      select type from (
        select type, version from event e
        where e.stream_id = o.stream_id and e.version > coalesce(a.version, 0) order by version desc limit 20
      ) as recent order by version
    ) as cause
  from outbox o left join announced a using (stream_id)
  where o.stream_id <> all($1::text[])
  order by o.priority, o.enqueued_at
  limit $2`

// Skipping what an append holds at this moment: that row is about to be newer, and two publishers cannot deadlock.
const RECORD = `
  with done as (
    select * from unnest($1::text[], $2::int[], $3::bigint[], $4::int[]) as done (stream_id, version, sequence, published)
  ), noted as (
    insert into announced (stream_id, version, sequence)
    select stream_id, version, sequence from done order by stream_id
    on conflict (stream_id) do update set version = excluded.version, sequence = excluded.sequence
  ), reached as (
    update broker set sequence = greatest(broker.sequence, (select max(sequence) from done))
  ), finished as (
    select o.stream_id from outbox o join done using (stream_id)
    where o.version <= done.published order by o.stream_id for update of o skip locked
  )
  delete from outbox using finished where outbox.stream_id = finished.stream_id`

/**
 * Every name of a published category goes into the outbox, deleted things included. `enqueued_at` is the time of the
 * first event, since until it has been announced again nobody's copy is known to be complete.
 */
const REPAIR = `
  with names as (
    insert into outbox as o (stream_id, version, enqueued_at, priority)
    select stream_id, max(version), min(recorded_at), 1 from event
    where split_part(stream_id, '-', 1) = any($1::text[])
    group by stream_id order by stream_id
    on conflict (stream_id) do update set enqueued_at = least(o.enqueued_at, excluded.enqueued_at)
  ), forgotten as (
    update announced set sequence = 0 where sequence <> 0
  )
  insert into broker (created, sequence) values ($2, $3)
  on conflict (one) do update set created = excluded.created, sequence = excluded.sequence`

/** A raised `revision` of a contract: its readers get the new public state although no version is new. */
const REVISE = `
  with names as (
    insert into outbox (stream_id, version, priority)
    select stream_id, max(version), 1 from event where split_part(stream_id, '-', 1) = any($1::text[])
    group by stream_id order by stream_id
    on conflict (stream_id) do nothing
  )
  update broker set revisions = $2`

/**
 * Empties the outbox into JetStream: for each name in it the thing's present state, so published that an older one can
 * never replace a newer one, however many publishers there are and however long one of them sleeps.
 */
export class ChangePublisher {
  readonly #logger = new Logger(ChangePublisher.name)
  readonly #stop = new AbortController()
  readonly #deferred = new Map<string, Deferred>()
  readonly #stream: string
  readonly #statistics = { published: 0, overtaken: 0, failed: 0, repairs: 0 }
  #running: Promise<void> | undefined
  #unsubscribe: () => void = () => undefined
  #nudge: () => void = () => undefined
  #nudged = false
  #leader: PoolClient | undefined
  /** The JetStream stream's identity is to be looked at before anything is sent. */
  #suspicious = true
  #beatAt = -Infinity
  /** What a follower last saw of its leader: the sequence it had reached, and since when. */
  #seen: { readonly sequence: string | null; readonly at: number } | undefined
  /** The last sequence that the database remembers of ours: nothing acknowledged later can be below it. */
  #reached = 0

  constructor(private readonly options: ChangePublisherOptions) {
    this.#stream = jetStreamName(options.service)
  }

  get statistics(): PublisherStatistics {
    return { ...this.#statistics, deferred: this.#deferred.size }
  }

  /** Starts; returns at once, whether the broker is there or not. */
  start(): void {
    if (this.#running) return
    this.#unsubscribe = this.options.broker.onReconnect(() => {
      this.#suspicious = true
      this.wake()
    })
    this.#running = this.#run()
  }

  /** Call it after an append of this process, so that nobody waits for the next look at the outbox. */
  wake(): void {
    this.#nudged = true
    this.#nudge()
  }

  /** Finishes what it has begun to publish and gives the lead to another process. */
  async close(): Promise<void> {
    this.#stop.abort()
    this.#unsubscribe()
    this.#nudge()
    // A broker that does not answer must not keep the process alive.
    await atMost(CLOSE_MS, this.#running)
    this.#resign()
  }

  async #run(): Promise<void> {
    const { pollMs = 50 } = this.options
    for (let failures = 0; !this.#stop.signal.aborted;) {
      try {
        const worked = (await this.#leads()) ? await this.#lead() : await this.#follow()
        if (failures > 0) this.#logger.log('changes are announced again')
        failures = 0
        if (!worked) await this.#rest(this.#leader || !this.#exclusive ? pollMs : FOLLOW_MS)
      } catch (error) {
        if (this.#stop.signal.aborted) return
        if (failures === 0) this.#logger.warn(`changes wait in the outbox: ${(error as Error).message}`)
        failures++
        this.#suspicious = true
        await this.#rest(Math.min(50 * 2 ** failures, 2000))
      }
    }
  }

  get #exclusive(): boolean {
    return this.options.exclusive ?? true
  }

  get #heartbeatMs(): number {
    return this.options.heartbeatMs ?? 5000
  }

  /** One round as leader: a page of the outbox, and a heartbeat when its time has come. */
  async #lead(): Promise<boolean> {
    const broker = await this.#broker()
    const due = performance.now() - this.#beatAt >= this.#heartbeatMs
    if (this.#suspicious || due) await this.#recognize(broker.manager)
    const announced = await this.#announcePage(broker)
    if (due) await this.#beat(broker.client)
    return announced === PAGE
  }

  /**
   * One round beside a leader: help when it leaves things lying or does not beat, as a stopped process with a living
   * connection does. Judged by the database alone: nats-server 2.9 panics when it is asked for a message of a stream
   * that is being created.
   */
  async #follow(): Promise<boolean> {
    const { rows } = await this.options.pool.query<{ late: boolean | null; sequence: string | null }>(
      `select (select sequence from broker) as sequence,
         (select min(enqueued_at) from outbox where priority = 0) < clock_timestamp() - interval '${HELP_AFTER}' as late`,
    )
    const { late = false, sequence = null } = rows[0] ?? {}
    if (this.#seen?.sequence !== sequence) this.#seen = { sequence, at: performance.now() }
    const silent = performance.now() - this.#seen.at > 3 * this.#heartbeatMs
    if (!late && !silent) return false
    const broker = await this.#broker()
    await this.#recognize(broker.manager)
    const announced = await this.#announcePage(broker)
    if (silent) await this.#beat(broker.client)
    return announced === PAGE
  }

  async #broker(): Promise<{ client: JetStreamClient; manager: JetStreamManager }> {
    const { broker, ackMs = 5000 } = this.options
    const connection = await this.#orStopped(broker.connection())
    if (!broker.connected) throw new Error('NATS is away')
    return {
      client: jetstream(connection, { timeout: ackMs }),
      manager: await jetstreamManager(connection, { checkAPI: false, timeout: ackMs }),
    }
  }

  /** Makes sure that the stream is there, and is the one that we spoke to before; else all is published again. */
  async #recognize(manager: JetStreamManager): Promise<void> {
    const { created, state } = await this.#ensureStream(manager)
    const { rows } = await this.options.pool.query<{
      created: string
      sequence: string
      revisions: Record<string, number>
    }>('select created, sequence, revisions from broker')
    const known = rows[0]
    if (!known || known.created !== created || state.last_seq < Number(known.sequence)) {
      const categories = this.options.sources.map(({ contract }) => contract.category)
      const { rowCount } = await this.options.pool.query(REPAIR, [categories, created, state.last_seq])
      this.#statistics.repairs += 1
      this.#reached = state.last_seq
      if (known)
        this.#logger.warn(
          `NATS has lost messages of ${this.options.service}: publishing everything again (${rowCount})`,
        )
    } else {
      this.#reached = Number(known.sequence)
    }
    await this.#revise(known?.revisions ?? {})
    this.#suspicious = false
  }

  /** An older program beside a newer one, as during an upgrade, lowers nothing. */
  async #revise(known: Readonly<Record<string, number>>): Promise<void> {
    const contracts = this.options.sources.map(({ contract }) => contract)
    const raised = contracts.filter(({ category, revision }) => revision > (known[category] ?? 0))
    if (raised.length === 0) return
    const revisions = { ...known, ...Object.fromEntries(raised.map(({ category, revision }) => [category, revision])) }
    await this.options.pool.query(REVISE, [raised.map(({ category }) => category), JSON.stringify(revisions)])
  }

  /** The last message of each subject, for ever: a new reader starts from the present, and tombstones stay. */
  async #ensureStream(manager: JetStreamManager): Promise<StreamInfo> {
    const wanted = {
      subjects: [`${this.options.service}.>`],
      max_msgs_per_subject: 1,
      max_age: 0,
    } satisfies Partial<StreamConfig>
    try {
      const info = await manager.streams.info(this.#stream)
      const { subjects, max_msgs_per_subject, max_age } = info.config
      const same = JSON.stringify({ subjects, max_msgs_per_subject, max_age }) === JSON.stringify(wanted)
      return same ? info : await manager.streams.update(this.#stream, wanted)
    } catch (error) {
      if (codeOf(error) !== JetStreamApiCodes.StreamNotFound) throw error
      return manager.streams.add({
        name: this.#stream,
        ...wanted,
        storage: StorageType.File,
        retention: RetentionPolicy.Limits,
      })
    }
  }

  async #announcePage(broker: { client: JetStreamClient; manager: JetStreamManager }): Promise<number> {
    const { rows } = await this.options.pool.query<OutboxRow>({
      name: 'outbox page',
      text: NEXT_PAGE,
      values: [this.#leftAlone(), PAGE],
    })
    const done: Announced[] = []
    const acknowledged: Promise<void>[] = []
    let brokerFailure: Error | undefined
    const waiting = rows.values()
    const reader = async (): Promise<void> => {
      for (const row of waiting) {
        if (brokerFailure !== undefined || this.#stop.signal.aborted) return
        try {
          const message = await this.#read(row)
          const fails = (error: unknown): void => {
            if (isBrokerFailure(error)) brokerFailure ??= error
            else this.#defer(row, error)
          }
          acknowledged.push(this.#publish(broker, row, message).then((result) => void done.push(result), fails))
        } catch (error) {
          this.#defer(row, error)
        }
      }
    }
    await Promise.all(Array.from({ length: READERS }, reader))
    await Promise.all(acknowledged)
    if (done.length > 0) await this.#record(done)
    if (brokerFailure !== undefined) throw brokerFailure
    return rows.length
  }

  async #read(row: OutboxRow): Promise<ChangeMessage> {
    const category = row.stream_id.slice(0, row.stream_id.indexOf('-'))
    const source = this.options.sources.find(({ contract }) => contract.category === category)
    if (!source) throw new Error('nothing says how to publish it')
    // Rows are read after their name was found, so a source that is behind its own outbox cannot be right.
    const document = await source.read(this.options.pool, guidOfStream(row.stream_id))
    if (!document || document.version < row.version) throw new Error('its rows are behind its events')
    return changeMessage(source.contract, document, row.cause)
  }

  async #publish(
    { client, manager }: { client: JetStreamClient; manager: JetStreamManager },
    row: OutboxRow,
    message: ChangeMessage,
  ): Promise<Announced> {
    const { service } = this.options
    const subject = `${service}.${row.stream_id.replace('-', '.')}`
    const body = JSON.stringify(message)
    const done = { stream_id: row.stream_id, version: message.version, published: message.version }
    let expected = Number(row.sequence)
    for (let attempts = 0; ; attempts++) {
      try {
        const { seq } = await client.publish(subject, body, { expect: { lastSubjectSequence: expected } })
        // Counting anew without our having seen it: the broker was put back to an older state.
        if (seq <= this.#reached) this.#suspicious = true
        this.#statistics.published += 1
        return { ...done, sequence: seq }
      } catch (error) {
        if (codeOf(error) !== JetStreamApiCodes.StreamWrongLastSequence || attempts >= 10) throw error
        const last = await lastMessage(manager, this.#stream, subject)
        expected = last?.sequence ?? 0
        const stored = last && positionOf(last.value)
        if (stored && !isLower(stored, message)) {
          this.#statistics.overtaken += 1
          return { ...done, version: stored.version, sequence: expected }
        }
      }
    }
  }

  async #record(done: readonly Announced[]): Promise<void> {
    await this.options.pool.query({
      name: 'outbox record',
      text: RECORD,
      values: [
        done.map(({ stream_id }) => stream_id),
        done.map(({ version }) => version),
        done.map(({ sequence }) => sequence),
        done.map(({ published }) => published),
      ],
    })
    for (const { stream_id, sequence } of done) {
      this.#deferred.delete(stream_id)
      this.#reached = Math.max(this.#reached, sequence)
    }
  }

  async #beat(client: JetStreamClient): Promise<void> {
    const at = performance.now()
    const { rows } = await this.options.pool.query<{ sent_at: Date; complete_until: Date }>(
      'select now() as sent_at, least(now(), min(enqueued_at)) as complete_until from outbox',
    )
    const row = rows[0]
    // A process that slept here would claim with an old time that nothing has waited since.
    if (!row || performance.now() - at > 1000) return
    const heartbeat: Heartbeat = {
      type: 'Heartbeat',
      complete_until: row.complete_until.toISOString(),
      sent_at: row.sent_at.toISOString(),
    }
    const { seq } = await client.publish(heartbeatSubject(this.options.service), JSON.stringify(heartbeat))
    this.#beatAt = at
    if (seq <= this.#reached) this.#suspicious = true
    await this.options.pool.query('update broker set sequence = greatest(sequence, $1)', [seq])
  }

  #leftAlone(): string[] {
    const now = performance.now()
    // Long past its time and not tried again: somebody else has published it.
    for (const [name, { until }] of this.#deferred) if (until < now - 120_000) this.#deferred.delete(name)
    return [...this.#deferred].filter(([, { until }]) => until > now).map(([name]) => name)
  }

  #defer({ stream_id, version }: OutboxRow, error: unknown): void {
    const { retryMs = 500 } = this.options
    const failures = (this.#deferred.get(stream_id)?.failures ?? 0) + 1
    this.#deferred.set(stream_id, {
      failures,
      until: performance.now() + Math.min(retryMs * 2 ** (failures - 1), 60_000),
    })
    this.#statistics.failed += 1
    if (failures === 1 || failures % 10 === 0) {
      this.#logger.error(`${stream_id} cannot be announced at version ${version}: ${(error as Error).message}`)
    }
  }

  async #leads(): Promise<boolean> {
    if (!this.#exclusive || this.#leader) return true
    let lost: Error | undefined
    const client = await checkOut(this.options.pool, (error) => {
      lost = error
      if (this.#leader === client) this.#resign()
    })
    try {
      const { rows } = await client.query<{ leads: boolean }>('select pg_try_advisory_lock($1, $2) as leads', LOCK)
      if (!rows[0]?.leads) {
        client.release()
        return false
      }
    } catch (error) {
      client.release(error as Error)
      throw error
    }
    if (lost || this.#stop.signal.aborted) {
      client.release(true)
      throw lost ?? new Error('stopped')
    }
    this.#leader = client
    this.#seen = undefined
    client.on('end', () => {
      if (this.#leader === client) this.#resign()
    })
    this.#suspicious = true
    return true
  }

  /** The lock is the session's: it goes with the connection. */
  #resign(): void {
    const client = this.#leader
    this.#leader = undefined
    client?.release(true)
  }

  /** Sleeps until `wake`, at most `ms`. */
  async #rest(ms: number): Promise<void> {
    if (!this.#nudged) {
      const nudged = new AbortController()
      this.#nudge = () => nudged.abort()
      await delay(ms, undefined, { signal: AbortSignal.any([nudged.signal, this.#stop.signal]) }).catch(() => undefined)
    }
    this.#nudged = false
  }

  #orStopped<T>(promise: Promise<T>): Promise<T> {
    const { signal } = this.#stop
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(new Error('stopped'))
      signal.addEventListener('abort', onAbort, { once: true })
      void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
    })
  }
}

const codeOf = (error: unknown): number | undefined => (error instanceof JetStreamApiError ? error.code : undefined)

/** Whether nothing can be published at present, as opposed to this one message. */
const isBrokerFailure = (error: unknown): error is Error =>
  error instanceof Error &&
  (codeOf(error) === JetStreamApiCodes.StreamNotFound ||
    /^(TimeoutError|NoRespondersError|RequestError|ClosedConnectionError|DrainingConnectionError|ConnectionError|JetStreamNotEnabled)$/.test(
      error.name,
    ))

async function lastMessage(
  manager: JetStreamManager,
  stream: string,
  subject: string,
): Promise<{ sequence: number; value: unknown } | undefined> {
  const message = await manager.streams.getMessage(stream, { last_by_subj: subject })
  if (!message) return undefined
  try {
    return { sequence: message.seq, value: message.json<unknown>() }
  } catch {
    return { sequence: message.seq, value: undefined }
  }
}

/** Version and revision of a stored message; `undefined` for what no publisher of ours has written. */
function positionOf(value: unknown): { version: number; revision: number } | undefined {
  const { version, revision } = (value ?? {}) as Partial<ChangeMessage>
  return typeof version === 'number' && typeof revision === 'number' ? { version, revision } : undefined
}
