import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import pg from 'pg'
import { ExchangeSettings } from '#libs/service'
import { eventually } from '#libs/testing'
import { longestStopMs } from '../../launcher/src/stopping.js'

/** `DATA/running.json`, as the launcher keeps it. */
export interface Running {
  readonly launcher: { readonly pid: number }
  readonly address: string
  readonly postgres: { readonly pid: number; readonly port: number; readonly url: string }
  readonly nats: { readonly pid: number; readonly port: number; readonly url: string; readonly store: string }
  readonly databases: Readonly<Record<Database, { readonly url: string; readonly ownerUrl: string }>>
  readonly processes: readonly Instance[]
}

export interface Instance {
  /** `vault`, `vault-2` … */
  readonly name: string
  readonly service: string
  /** Absent while the process is down. */
  readonly pid?: number
  readonly port: number
  readonly url: string
  readonly log: string
}

export const DATABASES = ['identity', 'integrations', 'vault'] as const
export type Database = (typeof DATABASES)[number]

/** One JSON line of a log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg?: string }

export interface HouseOptions {
  /** Of `newData`, or another house's that was told to keep it. */
  readonly data: string
  /** Whether DATA stays when the house is stopped. */
  readonly keep?: boolean
  /** Further arguments of the launcher. */
  readonly args: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

/** Both belong to the compiled repository, wherever this file runs from. */
export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..').replace(/\/dist$/, '')
export const DIST = path.join(ROOT, 'dist/apps')

const STARTS_IN_MS = 60_000
/** Longer than the launcher takes with whoever does not stop by itself, so that it is the launcher who ends them. */
const STOPS_IN_MS = longestStopMs(new ExchangeSettings().tokenRequestTimeoutMs) + 5_000

/** Ends the launcher, and whatever it left, when the process that holds its standard input is gone. */
const LEASH = `cat >/dev/null
kill -TERM "$1" 2>/dev/null
n=0; while kill -0 "$1" 2>/dev/null && [ $n -lt "$3" ]; do sleep 0.1; n=$((n+1)); done
for p in $(grep -o '"pid": *[0-9]*' "$2/processes.json" 2>/dev/null | grep -o '[0-9]*$'); do kill -KILL "$p" 2>/dev/null; done
rm -rf "$2"`

/** A directory for one house. */
export const newData = (): string => mkdtempSync(path.join(tmpdir(), 'keybearer-e2e-'))

/** The environment of a child: jest's own flags are not for it. */
export const childEnvironment = (more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv => ({
  ...process.env,
  NODE_OPTIONS: '',
  ...more,
})

/** The whole system as real processes, started from `dist/` by the launcher on a DATA of its own. */
export class House {
  readonly #pools = new Map<string, pg.Pool>()
  readonly #connections: NatsConnection[] = []
  #output = ''

  private constructor(
    readonly data: string,
    private readonly keep: boolean,
    private readonly launcher: ChildProcess,
    private readonly leash: ChildProcess,
    /** From the start of the launcher to its word that all is ready. */
    public readyMs = 0,
  ) {}

  /** @throws Error with what the launcher said when the system does not get ready */
  static async start({ data, keep = false, args, environment }: HouseOptions): Promise<House> {
    const began = performance.now()
    const launcher = spawn(process.execPath, [path.join(DIST, 'launcher/src/main.js'), '--data', data, ...args], {
      env: childEnvironment(environment),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // Ctrl-C in the terminal is for jest, and the leash ends the rest
    })
    const held = ['-c', LEASH, 'leash', String(launcher.pid), data, String(STOPS_IN_MS / 100)]
    const leash = spawn('/bin/sh', held, { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
    const house = new House(data, keep, launcher, leash)
    try {
      await house.#untilReady()
      house.readyMs = performance.now() - began
      return house
    } catch (error) {
      await house.stop().catch(() => undefined)
      throw error
    }
  }

  /** What the launcher has printed. */
  get output(): string {
    return this.#output
  }

  /** The system's facts at this moment. */
  get running(): Running {
    return JSON.parse(readFileSync(path.join(this.data, 'running.json'), 'utf8')) as Running
  }

  get address(): string {
    return this.running.address
  }

  /** All processes of the four services. */
  get services(): readonly Instance[] {
    return this.running.processes.filter(({ service }) => service !== 'demo')
  }

  instance(name: string): Instance {
    const found = this.running.processes.find((each) => each.name === name)
    if (!found) throw new Error(`there is no process ${name}`)
    return found
  }

  /** The id of a process, `nats` and `postgres` included; `undefined` while it is down. */
  pid(name: string): number | undefined {
    if (name === 'nats' || name === 'postgres') return this.running[name].pid
    return this.instance(name).pid
  }

  /** The lines that a process has logged; text that is no JSON comes as `msg`. */
  logs(name: string): LogLine[] {
    const text = readFileSync(path.join(this.data, 'log', `${name}.log`), 'utf8')
    return text.split('\n').filter(Boolean).map(logLine)
  }

  /** Signals a process at once; with SIGKILL the launcher starts it again. Returns the id that it had. */
  kill(name: string, signal: NodeJS.Signals = 'SIGKILL'): number {
    const pid = this.pid(name)
    if (pid === undefined) throw new Error(`${name} does not run`)
    process.kill(pid, signal)
    return pid
  }

  /** Kills a process and waits until its successor is ready. Returns the milliseconds that it took. */
  async killAndWait(name: string): Promise<number> {
    const began = performance.now()
    await this.restarted(name, this.kill(name))
    return performance.now() - began
  }

  /** Waits until another process than `formerPid` runs under this name and is ready. */
  async restarted(name: string, formerPid: number): Promise<void> {
    await eventually(() => ![undefined, formerPid].includes(this.pid(name)), { timeoutMs: 20_000 })
    if (name === 'nats') await this.nats().then((connection) => connection.close())
    else if (name === 'postgres') await eventually(() => this.pool('postgres').query('select 1'), { timeoutMs: 20_000 })
    else await eventually(() => answers200(`${this.instance(name).url}/readyz`), { timeoutMs: 30_000 })
  }

  /** Waits until the public address says that every service is ready. */
  async ready(): Promise<void> {
    await eventually(() => answers200(`${this.address}/__ping__`), { timeoutMs: 30_000 })
  }

  /**
   * Kills NATS and deletes its store before it is started again. The launcher is held meanwhile: it would be faster.
   */
  async wipeNats(): Promise<void> {
    const { launcher, nats } = this.running
    process.kill(launcher.pid, 'SIGSTOP')
    try {
      process.kill(nats.pid, 'SIGKILL')
      await eventually(() => !isRunning(nats.pid))
      await rm(nats.store, { recursive: true })
    } finally {
      process.kill(launcher.pid, 'SIGCONT')
    }
    await this.restarted('nats', nats.pid)
  }

  /** As superuser: the services' roles see less. One pool for each database. */
  pool(database: Database | 'postgres'): pg.Pool {
    const known = this.#pools.get(database)
    if (known) return known
    const url = new URL(this.running.postgres.url)
    url.pathname = `/${database}`
    const pool = new pg.Pool({ connectionString: url.href, max: 4, options: '-c search_path=model,record,log' })
    pool.on('error', () => undefined)
    this.#pools.set(database, pool)
    return pool
  }

  /** A connection to the system's NATS; closed with the house. */
  async nats(): Promise<NatsConnection> {
    const { host, username, password } = new URL(this.running.nats.url)
    const credentials = { user: decodeURIComponent(username), pass: decodeURIComponent(password) }
    const connection = await eventually(() => connect({ servers: host, ...credentials, timeout: 1000 }), {
      timeoutMs: 20_000,
    })
    this.#connections.push(connection)
    return connection
  }

  /**
   * Stops everything as Ctrl-C does and deletes DATA unless it is kept; ends by force what does not stop.
   * @returns the launcher's exit code, `null` when it had to be killed
   */
  async stop(): Promise<number | null> {
    await Promise.all(this.#connections.map((connection) => connection.close().catch(() => undefined)))
    await Promise.all([...this.#pools.values()].map((pool) => pool.end()))
    const pids = this.#pids()
    if (this.launcher.exitCode === null && this.launcher.signalCode === null) {
      const ended = once(this.launcher, 'exit')
      this.launcher.kill('SIGTERM')
      const late = setTimeout(() => this.launcher.kill('SIGKILL'), STOPS_IN_MS)
      await ended
      clearTimeout(late)
    }
    if (this.launcher.exitCode !== 0) for (const pid of pids) forceEnd(pid)
    this.leash.kill('SIGKILL')
    const keep = this.keep || process.env.KEYBEARER_E2E_KEEP !== undefined
    if (!keep) await rm(this.data, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    return this.launcher.exitCode
  }

  async #untilReady(): Promise<void> {
    const listen = (chunk: Buffer): void => void (this.#output += chunk.toString('utf8'))
    this.launcher.stdout?.on('data', listen)
    this.launcher.stderr?.on('data', listen)
    const failure = () => new Error(`the system does not get ready:\n${this.#output}${this.#lastErrors()}`)
    let ended = false
    this.launcher.once('exit', () => (ended = true))
    await eventually(() => ended || /^Ready/m.test(this.#output), { timeoutMs: STARTS_IN_MS }).catch(() => {
      throw failure()
    })
    if (ended) throw failure()
  }

  #lastErrors(): string {
    const names = ['gateway', 'identity', 'integrations', 'vault'].filter((name) =>
      existsSync(path.join(this.data, 'log', `${name}.log`)),
    )
    return names
      .flatMap((name) =>
        this.logs(name)
          .slice(-2)
          .map((line) => `\n${name}: ${JSON.stringify(line)}`),
      )
      .join('')
  }

  /** Everything that the launcher has started. */
  #pids(): number[] {
    try {
      const entries = JSON.parse(readFileSync(path.join(this.data, 'processes.json'), 'utf8')) as {
        name: string
        pid: number
      }[]
      return entries.filter(({ name }) => name !== 'launcher').map(({ pid }) => pid)
    } catch {
      return []
    }
  }
}

function logLine(text: string): LogLine {
  try {
    return JSON.parse(text) as LogLine
  } catch {
    return { msg: text }
  }
}

async function answers200(url: string): Promise<boolean> {
  const { status } = await fetch(url, { signal: AbortSignal.timeout(3000) })
  return status === 200
}

/** Whether the process is there and no zombie. */
function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return !stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')
  } catch {
    return false
  }
}

function forceEnd(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // gone already
  }
}
