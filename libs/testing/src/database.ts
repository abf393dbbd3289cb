import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { DataSource, type DataSourceOptions } from 'typeorm'
import { createServiceDatabase } from '../../../apps/launcher/src/service-database.js'
import { coordinate } from './coordinate.js'

/** A service's database with its migrations run, or one without any schema. */
export type DatabaseKind = 'identity' | 'integrations' | 'vault' | 'empty'

export interface FreshDatabase {
  readonly name: string
  /** Connects as the serving role `<kind>`: search_path = model, record, log. */
  readonly url: string
  /** Connects as `<kind>_owner`: search_path = public, model, record, log. */
  readonly ownerUrl: string
  /** A pool of the serving role; ended by `drop`. */
  pool(options?: pg.PoolConfig): pg.Pool
  /** A pool of the owner; ended by `drop`. */
  ownerPool(options?: pg.PoolConfig): pg.Pool
  /** Ends the pools and removes the database, whoever is still connected. */
  drop(): Promise<void>
}

/** A database of the spec's own, copied from the service's template in some 50 ms; the first call makes the template. */
export async function freshDatabase(kind: DatabaseKind): Promise<FreshDatabase> {
  const name = `${kind}_${randomBytes(6).toString('hex')}`
  await asAdmin(async (admin) => {
    const template = kind === 'empty' ? undefined : await templateOf(kind, admin)
    await createServiceDatabase(admin, kind, { database: name, template })
  })
  const [url, ownerUrl] = [roleUrl(kind, name), roleUrl(`${kind}_owner`, name)]
  const pools: pg.Pool[] = []
  const makePool = (connectionString: string, options?: pg.PoolConfig) => {
    const pool = new pg.Pool({ connectionString, ...options })
    // Without a listener the server's ending of an idle connection would end the process.
    pool.on('error', () => undefined)
    pools.push(pool)
    return pool
  }
  return {
    name,
    url,
    ownerUrl,
    pool: (options) => makePool(url, options),
    ownerPool: (options) => makePool(ownerUrl, options),
    drop: async () => {
      await Promise.all(pools.filter((pool) => !pool.ended).map((pool) => pool.end()))
      await asAdmin((admin) => admin.query(`drop database if exists ${name} with (force)`))
    },
  }
}

async function templateOf(kind: Exclude<DatabaseKind, 'empty'>, admin: pg.Client): Promise<string> {
  const name = `template_${kind}`
  // Workers of jest ask at the same time; the lock ends with the connection.
  await admin.query('select pg_advisory_lock(hashtext($1))', [name])
  const ready = await admin.query('select from pg_database where datname = $1 and datistemplate', [name])
  if (!ready.rowCount) {
    await admin.query(`drop database if exists ${name} with (force)`)
    await createServiceDatabase(admin, kind, { database: name })
    await migrate(kind, name)
    await admin.query(`alter database ${name} with is_template true allow_connections false`)
  }
  await admin.query('select pg_advisory_unlock(hashtext($1))', [name])
  return name
}

async function migrate(kind: Exclude<DatabaseKind, 'empty'>, database: string): Promise<void> {
  const { migrations } = await load(kind)
  const url = roleUrl(`${kind}_owner`, database)
  const source = new DataSource({
    type: 'postgres',
    url,
    migrations,
    migrationsTransactionMode: 'each',
  } as DataSourceOptions)
  await source.initialize()
  try {
    await source.runMigrations()
  } finally {
    await source.destroy()
  }
}

type Migrations = { migrations: NonNullable<DataSourceOptions['migrations']> }

async function load(service: string): Promise<Migrations> {
  return (await import(`../../../apps/${service}/src/migrations/index.js`)) as Migrations
}

async function asAdmin<T>(work: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: coordinate('KEYBEARER_TEST_POSTGRES_URL') })
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.end()
  }
}

function roleUrl(role: string, database: string): string {
  const url = new URL(coordinate('KEYBEARER_TEST_POSTGRES_URL'))
  url.username = role
  url.password = coordinate('KEYBEARER_TEST_PASSWORD')
  url.pathname = `/${database}`
  return url.href
}
