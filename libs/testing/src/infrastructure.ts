import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import pg from 'pg'
import type { Command } from '../../../apps/launcher/src/command.js'
import { natsCommand, natsUrl, waitForNats } from '../../../apps/launcher/src/nats.js'
import { freePort } from '../../../apps/launcher/src/ports.js'
import { postgresCommand, postgresUrl, waitForPostgres } from '../../../apps/launcher/src/postgres.js'
import { createServiceRoles } from '../../../apps/launcher/src/service-database.js'

/** What the int specs run against, wherever it comes from. */
interface Infrastructure {
  /** Of a superuser. */
  readonly postgresUrl: string
  readonly natsUrl: string
  stop(): Promise<void>
}

const password = randomBytes(18).toString('base64url')
const POSTGRES = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: 300 }

async function local(): Promise<Infrastructure> {
  const data = await mkdtemp(path.join(tmpdir(), 'keybearer-test-'))
  const directories = { postgres: path.join(data, 'postgres'), nats: path.join(data, 'nats') }
  const ports = { postgres: await freePort(), nats: await freePort() }
  const children: { child: ChildProcess; signal: NodeJS.Signals }[] = []
  const serve = (command: Command) => {
    const options = { cwd: command.cwd, uid: command.uid, gid: command.gid, env: { ...command.env } }
    const child = spawn(command.file, command.args, { ...options, stdio: ['ignore', 'ignore', 'ignore'] })
    children.push({ child, signal: command.stopSignal ?? 'SIGTERM' })
    return () => child.exitCode !== null || child.signalCode !== null
  }
  const stop = async () => {
    for (const { child, signal } of children.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      const ended = once(child, 'exit')
      child.kill(signal)
      await ended
    }
    await rm(data, { recursive: true, force: true })
  }
  const url = postgresUrl(ports.postgres, 'postgres', password, 'postgres')
  try {
    await Promise.all([
      postgresCommand({ directory: directories.postgres, port: ports.postgres, password, settings: POSTGRES })
        .then(serve)
        .then((ended) => waitForPostgres(url, 30_000, ended)),
      natsCommand({ directory: directories.nats, port: ports.nats, password })
        .then(serve)
        .then((ended) => waitForNats(ports.nats, 10_000, ended)),
    ])
  } catch (error) {
    await stop()
    throw error
  }
  return { postgresUrl: url, natsUrl: natsUrl(ports.nats, password), stop }
}

async function inContainers(): Promise<Infrastructure> {
  // Loaded only here: the import alone takes half a second.
  const [{ GenericContainer, Wait }, { PostgreSqlContainer }] = await Promise.all([
    import('testcontainers'),
    import('@testcontainers/postgresql'),
  ])
  const settings = Object.entries(POSTGRES).flatMap(([key, value]) => ['-c', `${key}=${value}`])
  const [postgres, nats] = await Promise.all([
    new PostgreSqlContainer('postgres:18-alpine')
      .withUsername('postgres')
      .withPassword(password)
      .withDatabase('postgres')
      .withEnvironment({ POSTGRES_INITDB_ARGS: '--locale=C --locale-provider=builtin --builtin-locale=C.UTF-8' })
      .withCommand(['postgres', ...settings])
      .start(),
    new GenericContainer('nats:2.11-alpine')
      .withCommand(['--jetstream', '--user', 'keybearer', '--pass', password])
      .withExposedPorts(4222)
      .withWaitStrategy(Wait.forLogMessage('Server is ready'))
      .start(),
  ])
  return {
    postgresUrl: postgres.getConnectionUri(),
    natsUrl: `nats://keybearer:${password}@${nats.getHost()}:${nats.getMappedPort(4222)}`,
    stop: async () => {
      await Promise.all([postgres.stop(), nats.stop()])
    },
  }
}

async function start(): Promise<Infrastructure> {
  if (process.env.TEST_CONTAINERS === '1') return inContainers()
  if (process.env.TEST_CONTAINERS === '0' || !existsSync('/var/run/docker.sock')) return local()
  return inContainers().catch((error: unknown) => {
    console.error(`Docker did not help (${String(error)}); using local PostgreSQL and NATS`)
    return local()
  })
}

const infrastructure = await start()
const admin = new pg.Client({ connectionString: infrastructure.postgresUrl })
await admin.connect()
for (const service of ['identity', 'integrations', 'vault', 'empty']) {
  await createServiceRoles(admin, service, { owner: password, serving: password })
}
await admin.end()

const coordinates = {
  KEYBEARER_TEST_POSTGRES_URL: infrastructure.postgresUrl,
  KEYBEARER_TEST_PASSWORD: password,
  KEYBEARER_TEST_NATS_URL: infrastructure.natsUrl,
}
process.stdout.write(`${JSON.stringify(coordinates)}\n`)

// The end of stdin is the end of jest.
process.stdin.resume()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.stdin.destroy())
await new Promise((resolve) => process.stdin.once('close', resolve))
await infrastructure.stop()
process.exit(0)
