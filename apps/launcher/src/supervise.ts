import { spawn, type ChildProcessByStdio, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Command } from './command.js'

/** EX_CONFIG of sysexits.h: a fault that another start would not mend. */
export const CONFIGURATION_FAULT = 78

export interface SupervisedOptions {
  readonly name: string
  readonly command: Command
  /** Each line that the process prints. */
  readonly line: (text: string) => void
  /** What happened to the process, as a sentence: it died, it is started again. */
  readonly notice: (text: string) => void
  /** A process with a new id has been started. */
  readonly started?: () => void
  /** It has ended with EX_CONFIG and will not be started again. */
  readonly refused?: () => void
  /** Milliseconds before the first restart; doubled each time up to 40 times that, and back after a quiet minute. */
  readonly backoffMs?: number
}

const QUIET_MS = 60_000

function spawnCommand({ file, args, cwd, uid, gid, env }: Command): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(file, args, {
    cwd,
    uid,
    gid,
    env: env ? { ...env } : process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ctrl-C reaches every process of the terminal's group at once; the order of stopping is ours.
    detached: true,
  })
}

function eachLine(stream: Readable, line: (text: string) => void): void {
  createInterface({ input: stream, crlfDelay: Infinity }).on('line', (text) => {
    if (text) line(text)
  })
}

/** Runs a program that ends by itself, and returns its exit code; a signal that ended it counts as 1. */
export function runOnce(command: Command, line: (text: string) => void, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawnCommand(command)
    for (const stream of [child.stdout, child.stderr]) eachLine(stream, line)
    const end = () => child.kill()
    signal.addEventListener('abort', end, { once: true })
    child.once('error', reject)
    child.once('close', (code) => {
      signal.removeEventListener('abort', end)
      resolve(code ?? 1)
    })
  })
}

/** A process that is started again when it ends by itself. */
export class Supervised {
  readonly name: string
  /** Starts since the beginning. */
  starts = 0
  #child?: ChildProcess
  #stopping = false
  #refused = false
  #backoffMs: number
  #startedAt = 0
  #timer?: NodeJS.Timeout
  #ended: Promise<void> = Promise.resolve()

  constructor(private readonly options: SupervisedOptions) {
    this.name = options.name
    this.#backoffMs = options.backoffMs ?? 250
  }

  get pid(): number | undefined {
    return this.running ? this.#child?.pid : undefined
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Whether it has ended for good because of what it was told. */
  get refused(): boolean {
    return this.#refused
  }

  async start(): Promise<void> {
    const { command, name } = this.options
    await command.prepare?.()
    if (this.#stopping) return
    this.starts++
    this.#startedAt = Date.now()
    const child = spawnCommand(command)
    this.#child = child
    for (const stream of [child.stdout, child.stderr]) eachLine(stream, this.options.line)
    this.#ended = new Promise((resolve) => {
      child.once('error', (error) => {
        this.options.notice(`${name} cannot be started: ${error.message}`)
        resolve()
        if (child.pid === undefined) this.#again()
      })
      child.once('exit', (code, signal) => {
        resolve()
        this.#exited(code, signal)
      })
    })
    if (child.pid !== undefined) this.options.started?.()
  }

  /** Ends it for good: its stop signal, and SIGKILL when `timeoutMs` have passed. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#timer)
    if (!this.running) return
    this.#child?.kill(this.options.command.stopSignal ?? 'SIGTERM')
    const kill = setTimeout(() => {
      this.options.notice(`${this.name} did not stop within ${timeoutMs / 1000} s and is killed`)
      this.#child?.kill('SIGKILL')
    }, timeoutMs)
    await this.#ended
    clearTimeout(kill)
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#stopping) return
    if (code === CONFIGURATION_FAULT) {
      this.#refused = true
      this.options.notice(`${this.name} refuses to start`)
      this.options.refused?.()
      return
    }
    this.options.notice(`${this.name} died (${signal ?? `exit code ${code}`}) and is started again`)
    this.#again()
  }

  #again(): void {
    if (this.#stopping) return
    const first = this.options.backoffMs ?? 250
    if (Date.now() - this.#startedAt > QUIET_MS) this.#backoffMs = first
    const wait = this.#backoffMs
    this.#backoffMs = Math.min(wait * 2, first * 40)
    this.#timer = setTimeout(() => {
      this.start().catch((error: unknown) => {
        this.options.notice(`${this.name} cannot be started: ${String(error)}`)
        this.#again()
      })
    }, wait)
  }
}
