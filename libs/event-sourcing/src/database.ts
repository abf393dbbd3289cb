import type { Pool, PoolConfig } from 'pg'
import type { DataSource, DataSourceOptions, MixedList } from 'typeorm'

/** Two migrators of one database at once: the second waits for the first. Any number will do, if all use it. */
const MIGRATION_LOCK = 4_815_162_342
const LOCK_TIMEOUT_MS = 60_000

type Migrations = readonly (new () => object)[]

/** How a service connects: TypeORM owns the pool, and events, projections and reads share it. */
export function databaseOptions(
  url: string,
  application: string,
  entities: MixedList<new () => object>,
  pool: PoolConfig = {},
): DataSourceOptions {
  return {
    type: 'postgres',
    url,
    applicationName: application,
    entities: entities as never,
    // No connection is held while something else is waited for, so few are enough; with more, PostgreSQL's processes
    // drive each other out of the caches (two cores, 16 exchanges at once: 0.46 ms of its time each with 16, 0.36 with 5).
    poolSize: 6,
    // A pool whose server goes away must reconnect, not end the process: pg emits this error on idle connections.
    poolErrorHandler: () => undefined,
    extra: { connectionTimeoutMillis: 5_000, idle_in_transaction_session_timeout: 30_000, ...pool },
  }
}

/**
 * For a pool whose statements are short: a server that says nothing for so long, as behind a connection whose other half
 * is gone, is waited for no longer. What was sent may have been done all the same: as after a lost connection, the
 * outcome of a commit is unknown. Only where all go by `pool.query` and `transaction`, which throw such a connection
 * away; TypeORM would lend it again.
 */
export const SHORT_STATEMENTS: PoolConfig = { query_timeout: 10_000 }

/** The pg pool of a connected DataSource. */
export const poolOf = (dataSource: DataSource): Pool => (dataSource.driver as unknown as { master: Pool }).master

/**
 * Brings a database up to date, as the role that owns it. Safe to start several times at once.
 * @returns the names of the migrations that ran
 */
export async function migrate(ownerUrl: string, migrations: Migrations): Promise<string[]> {
  // Loaded here: a process that serves has no need of it, and the gateway has no database at all.
  const { DataSource } = await import('typeorm')
  const options = databaseOptions(ownerUrl, 'migrate', [], {})
  const dataSource = new DataSource({
    ...options,
    migrations: [...migrations] as never,
    migrationsTransactionMode: 'each',
  } as DataSourceOptions)
  await dataSource.initialize()
  try {
    const lock = dataSource.createQueryRunner()
    await lock.query(`set lock_timeout = ${LOCK_TIMEOUT_MS}`)
    await lock.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
    try {
      return (await dataSource.runMigrations()).map(({ name }) => name)
    } finally {
      await lock.query('select pg_advisory_unlock($1)', [MIGRATION_LOCK])
      await lock.release()
    }
  } finally {
    await dataSource.destroy()
  }
}

/** As far as the clocks of the house may be apart: tokens that one process signs for a minute are judged by another's. */
const MOST_APART_MS = 60_000

/**
 * Part of readiness.
 * @throws Error when the database does not answer, or this process' clock is more than a minute off the database's
 */
export async function mustKeepTime(pool: Pool): Promise<void> {
  const askedAt = performance.now()
  const { rows } = await pool.query<{ ms: number }>('select extract(epoch from clock_timestamp())::float8 * 1000 as ms')
  const latest = Date.now()
  const earliest = latest - (performance.now() - askedAt)
  const { ms } = rows[0]!
  const apart = Math.max(ms - latest, earliest - ms)
  if (apart > MOST_APART_MS) throw new Error(`the clock is ${Math.round(apart / 1000)} s off the database's`)
}

/**
 * Part of readiness.
 * @throws Error when the database does not answer, or lacks the newest migration that this program knows
 */
export async function mustBeMigrated(pool: Pool, migrations: Migrations): Promise<void> {
  const newest = migrations.at(-1)?.name
  const { rowCount } = await pool.query('select from public.migrations where name = $1', [newest])
  if (!rowCount) throw new Error(`the database lacks the migration ${newest}`)
}
