import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import type { Sink } from './canary.js'
import { DATABASES, type House } from './house.js'
import type { Recorded } from './recording-proxy.js'

/** Of DATA: keys and settings, which are there to hold secrets; what the demo keeps; V8's compiled code. */
const NOT_OURS = new Set(['keys', 'demo', 'cache', 'keybearer.gcfg', 'running.json'])

/** Everything that the system has written or said, as far as it is still there; at least one sink of each kind. */
export async function* sinksOf(house: House, answers: readonly Recorded[]): AsyncGenerator<Sink> {
  yield* files(house.data)
  yield* tables(house)
  yield* messages(house)
  for (const { method, url, status, headers, body } of answers) {
    const head = `${status}\n${Object.entries(headers)
      .map(([name, value]) => `${name}: ${String(value)}\n`)
      .join('')}\n`
    yield { kind: 'answer', place: `${method} ${url.split('?')[0]}`, bytes: Buffer.concat([Buffer.from(head), body]) }
  }
  for (const { name, url, pid } of house.services) {
    const metrics = await (await fetch(`${url}/metrics`)).text()
    yield { kind: 'process', place: `metrics of ${name}`, bytes: Buffer.from(metrics) }
    for (const file of ['cmdline', 'environ']) {
      yield { kind: 'process', place: `${file} of ${name}`, bytes: readFileSync(`/proc/${pid}/${file}`) }
    }
  }
}

/** Logs, NATS' store, PostgreSQL's tables and write-ahead log as they are on disk, and what else lies about. */
function* files(data: string): Generator<Sink> {
  for (const top of readdirSync(data)) {
    if (NOT_OURS.has(top)) continue
    for (const file of filesUnder(path.join(data, top))) {
      const bytes = readIfThere(file)
      if (bytes) yield { kind: 'file', place: path.relative(data, file), bytes }
    }
  }
}

function filesUnder(place: string): string[] {
  try {
    return readdirSync(place, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
  } catch {
    return [place]
  }
}

/** PostgreSQL removes files when it likes. */
function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file)
  } catch {
    return undefined
  }
}

/** Every row of every table, `bytea` in hex; and what statements look like to whoever may see them. */
async function* tables(house: House): AsyncGenerator<Sink> {
  for (const database of DATABASES) {
    const pool = house.pool(database)
    const { rows } = await pool.query<{ name: string }>(`
      select format('%I.%I', nspname, relname) as name from pg_class c join pg_namespace n on n.oid = relnamespace
      where relkind = 'r' and nspname not in ('pg_catalog', 'information_schema')`)
    for (const { name } of rows) {
      const all = await pool.query<{ row: string }>(`select t::text as row from ${name} t`)
      yield {
        kind: 'table',
        place: `${database}.${name}`,
        bytes: Buffer.from(all.rows.map(({ row }) => row).join('\n')),
      }
    }
    const { rows: queries } = await pool.query<{ query: string }>('select query from pg_stat_activity')
    yield {
      kind: 'table',
      place: `${database}: pg_stat_activity`,
      bytes: Buffer.from(queries.map(({ query }) => query).join('\n')),
    }
  }
}

/** Every message of every stream, headers included. */
async function* messages(house: House): AsyncGenerator<Sink> {
  const connection = await house.nats()
  const manager = await jetstreamManager(connection)
  for await (const { config, state } of manager.streams.list()) {
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const message = await manager.streams.getMessage(config.name, { seq })
      if (!message) continue
      const headers = [...(message.header ?? [])].flatMap(([name, values]) => [name, ...values]).join('\n')
      const bytes = Buffer.concat([Buffer.from(`${message.subject}\n${headers}\n`), message.data])
      yield { kind: 'message', place: message.subject, bytes }
    }
  }
  await connection.close()
}
