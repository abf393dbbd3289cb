import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { childEnvironment, DIST } from './house.js'
import { World } from './world.js'

/** Exchanges that are in hand at each moment. */
const CONCURRENCY = 8
const VIEWERS = ['vera', 'victor', 'priya'] as const
/** Life of access tokens, so short that new ones are sealed all the time; not shorter than a busy machine may stop for. */
const TOKEN_SECONDS = 4
const PROGRESS = /secrets rewrapped, \d+ to go/

export interface RotationOptions {
  /** Secrets in the safe, besides those of the viewers. */
  readonly secrets: number
  readonly vaults: number
  /** How often the rotation is killed before it may end. */
  readonly kills: number
  /** Whether the former key is made the active one again, and everything goes back and forth once more. */
  readonly rolledBack: boolean
}

export interface RotationTrial {
  readonly exchanges: number
  /** Answers other than 200, each once, with how many there were. */
  readonly failures: Readonly<Record<string, number>>
  /** Refreshes meanwhile: each has sealed two tokens. */
  readonly refreshes: number
  /** What was said to whoever wanted to retire the old key too early. */
  readonly earlyRetirement: string
  /** What the last command of the rotation has said. */
  readonly said: string
  /** Secrets that were not under the new key at the end, by SQL. */
  readonly left: number
  /** Versions of the keys that secrets need after all. */
  readonly versions: readonly number[]
  /** Secrets each second while a rotation ran undisturbed. */
  readonly perSecond: number
  /** Milliseconds, of exchanges while keys changed. */
  readonly p50: number
  readonly p99: number
}

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly notes: string
}

/** R16: the keys of the safe change while content exchanges tokens. */
export async function rotateUnderLoad(options: RotationOptions): Promise<RotationTrial> {
  const world = await World.start({ replicas: { vault: options.vaults }, accessTokenSeconds: TOKEN_SECONDS })
  try {
    const owner = world.person('alice')
    await owner.logIn()
    const key = await owner.makeKey('owner')
    const content = await world.makeContent(key, 'probe', world.probe.url, [await world.makeIntegration(key)])
    for (const viewer of VIEWERS) await world.person(viewer).consent(content)
    const keyFile = path.join(world.house.data, 'keys/safe-keys.json')
    await fill(options.secrets, keyFile, world.house.running.databases.vault.url)

    const load = new Load(world, key)
    const refreshesBefore = await refreshes(world)
    const trial = await rotate(world, keyFile, options)
    const measured = await load.stop()
    return { ...trial, ...measured, refreshes: (await refreshes(world)) - refreshesBefore }
  } finally {
    await world.stop()
  }
}

async function rotate(
  world: World,
  keyFile: string,
  { secrets, kills, rolledBack }: RotationOptions,
): Promise<Pick<RotationTrial, 'earlyRetirement' | 'said' | 'left' | 'versions' | 'perSecond'>> {
  for (let kill = 0; kill < kills; kill++) await killedRotation(world)
  const early = await keybearer(world, '--retire', '1')
  const began = performance.now()
  const leftBefore = await countOf(world, 1)
  const last = await keybearer(world)
  // The command waits once for processes that have not heard yet.
  const perSecond = leftBefore / Math.max((performance.now() - began) / 1000 - 3, 0.001)
  if (last.code !== 0) throw new Error(`the rotation failed: ${last.notes}`)
  if (rolledBack) {
    for (const active of [1, 2]) {
      const { keys } = JSON.parse(await readFile(keyFile, 'utf8')) as { keys: Record<string, string> }
      await writeFile(keyFile, JSON.stringify({ active, keys }), { mode: 0o600 })
      await delay(3_000)
      const back = await keybearer(world, '--no-new-key')
      if (back.code !== 0) throw new Error(`the way back failed: ${back.notes}`)
      if ((await countOf(world, active)) < secrets) throw new Error(`secrets are not under key ${active}`)
    }
  }
  const left = await countOf(world, 1)
  const retired = await keybearer(world, '--retire', '1')
  if (retired.code !== 0) throw new Error(`the old key cannot be retired: ${retired.notes}`)
  // Whoever serves goes on without it.
  await delay(3_000)
  const { rows } = await world.house
    .pool('vault')
    .query<{ version: string }>('select distinct kek_version as version from safe')
  const versions = rows.map(({ version }) => Number(version))
  return {
    earlyRetirement: early.code === 0 ? '' : early.notes.trim(),
    said: last.out.trim(),
    left,
    versions,
    perSecond,
  }
}

/** Kills the command as soon as it says that it has done something. */
async function killedRotation(world: World): Promise<void> {
  const child = start(world)
  let notes = ''
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', (chunk: Buffer) => {
      notes += chunk.toString()
      if (PROGRESS.test(notes)) resolve()
    })
    child.once('exit', () => reject(new Error(`the rotation ended before it could be killed: ${notes}`)))
  })
  child.removeAllListeners('exit')
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

const start = (world: World, ...args: readonly string[]): ChildProcess =>
  spawn(process.execPath, [path.join(DIST, 'cli/src/main.js'), 'rotate-keys', '--data', world.house.data, ...args], {
    env: childEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })

async function keybearer(world: World, ...args: readonly string[]): Promise<Ran> {
  const child = start(world, ...args)
  let [out, notes] = ['', '']
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr?.on('data', (chunk: Buffer) => (notes += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out, notes }
}

async function fill(secrets: number, keyFile: string, databaseUrl: string): Promise<void> {
  const args = [path.join(DIST, 'vault/src/safe/prove.js'), 'fill', String(secrets), keyFile, databaseUrl]
  const child = spawn(process.execPath, args, { env: childEnvironment(), stdio: ['ignore', 'inherit', 'inherit'] })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error('the safe could not be filled')
}

async function countOf(world: World, version: number): Promise<number> {
  const { rows } = await world.house
    .pool('vault')
    .query<{ count: number }>('select count(*)::int as count from safe where kek_version = $1', [version])
  return rows[0]?.count ?? 0
}

async function refreshes(world: World): Promise<number> {
  const { by_account: accounts } = await world.journal()
  return VIEWERS.reduce((sum, account) => sum + (accounts[account]?.refresh_token ?? 0), 0)
}

/** Exchanges one after the other, on so many connections, until it is stopped. */
class Load {
  readonly #times: number[] = []
  readonly #failures: Record<string, number> = {}
  readonly #workers: Promise<void>[]
  #stopped = false

  constructor(
    private readonly world: World,
    private readonly key: string,
  ) {
    this.#workers = Array.from({ length: CONCURRENCY }, (_, index) => this.#work(index))
  }

  async stop(): Promise<Pick<RotationTrial, 'exchanges' | 'failures' | 'p50' | 'p99'>> {
    this.#stopped = true
    await Promise.all(this.#workers)
    const sorted = this.#times.sort((one, other) => one - other)
    const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? NaN
    return { exchanges: sorted.length, failures: this.#failures, p50: at(0.5), p99: at(0.99) }
  }

  async #work(index: number): Promise<void> {
    while (!this.#stopped) {
      const viewer = VIEWERS[index % VIEWERS.length]!
      const began = performance.now()
      const { status, error } = await this.world.exchange(this.key, this.world.probe.tokenOf(viewer))
      this.#times.push(performance.now() - began)
      if (status === 200) continue
      const failure = `${status} ${error ?? ''}`
      this.#failures[failure] = (this.#failures[failure] ?? 0) + 1
    }
  }
}
