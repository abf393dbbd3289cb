import { setTimeout as delay } from 'node:timers/promises'
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common'
import { Pool } from 'pg'
import { sql, type SqlClient } from '#libs/event-sourcing'

const POLL_MS = 1_000
/** How long one process has for a row before another takes it up, in ms. */
const LEASE_MS = 30_000
const SWEEP_MS = 10 * 60_000

/** Does what follows, for one thing. It may come twice, and again after a failure. */
export type Reaction = (key: string) => Promise<void>

/** Finds what should be on the list and is not. */
export type Sweep = () => Promise<readonly { readonly kind: string; readonly key: string }[]>

/**
 * What has to follow from something that has happened elsewhere: written down together with its reason, done later, with
 * retries, by whichever process comes first, and found again at the start and every ten minutes.
 */
@Injectable()
export class Todo implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #logger = new Logger(Todo.name)
  readonly #reactions = new Map<string, Reaction[]>()
  readonly #sweeps: Sweep[] = []
  readonly #stop = new AbortController()
  #rest = new AbortController()
  #running: Promise<void> | undefined
  #sweptAt = -Infinity

  constructor(private readonly pool: Pool) {}

  /** Register in a constructor, before anything can happen. */
  on(kind: string, reaction: Reaction, sweep?: Sweep): void {
    this.#reactions.set(kind, [...(this.#reactions.get(kind) ?? []), reaction])
    if (sweep) this.#sweeps.push(sweep)
  }

  /** @param client whose transaction holds the reason */
  async add(client: SqlClient, kind: string, keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return
    await client.query(sql`
      insert into todo (kind, key) select distinct ${kind}, key from unnest(${keys}::text[]) as key order by key
      on conflict (kind, key) do update set due_at = clock_timestamp(), attempts = 0`)
    // The transaction has yet to end.
    setTimeout(() => this.wake(), 20).unref()
  }

  wake(): void {
    this.#rest.abort()
  }

  onApplicationBootstrap(): void {
    this.#running = this.#run()
  }

  async onApplicationShutdown(): Promise<void> {
    this.#stop.abort()
    this.wake()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.#rest = new AbortController()
      try {
        await this.#sweep()
        while (!this.#stop.signal.aborted && (await this.#next()));
      } catch (error) {
        this.#logger.warn({ err: error }, 'what is to be done cannot be read; it is tried again')
      }
      const { signal } = this.#rest
      if (!this.#stop.signal.aborted) await delay(POLL_MS, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }

  async #sweep(): Promise<void> {
    if (performance.now() - this.#sweptAt < SWEEP_MS) return
    for (const sweep of this.#sweeps) {
      for (const { kind, key } of await sweep()) {
        await this.pool.query(sql`insert into todo (kind, key) values (${kind}, ${key}) on conflict do nothing`)
      }
    }
    this.#sweptAt = performance.now()
  }

  /** @returns whether there was something to do */
  async #next(): Promise<boolean> {
    const { rows } = await this.pool.query<{ kind: string; key: string; attempts: number }>(sql`
      update todo set due_at = clock_timestamp() + make_interval(secs => ${LEASE_MS / 1000}), attempts = attempts + 1
      where (kind, key) = (
        select kind, key from todo where due_at <= clock_timestamp() order by due_at limit 1 for update skip locked
      )
      returning kind, key, attempts`)
    const [row] = rows
    if (!row) return false
    const { kind, key, attempts } = row
    try {
      for (const react of this.#reactions.get(kind) ?? []) await react(key)
      await this.pool.query(sql`delete from todo where kind = ${kind} and key = ${key} and attempts = ${attempts}`)
    } catch (error) {
      this.#logger.warn({ err: error, kind, key, attempts }, 'what has to follow failed; it is tried again')
      const seconds = Math.min(60, 2 ** attempts / 4)
      await this.pool.query(sql`
        update todo set due_at = clock_timestamp() + make_interval(secs => ${seconds})
        where kind = ${kind} and key = ${key} and attempts = ${attempts}`)
    }
    return true
  }
}
