import { execFile } from 'node:child_process'
import { access, constants, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { connect as connectTcp } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import { cacheDirectory } from './cache-directory.js'
import type { Command } from './command.js'

const run = promisify(execFile)

export interface NatsOptions {
  /** Holds the configuration and JetStream's store. */
  readonly directory: string
  readonly port: number
  readonly password: string
  /** Told what takes long: fetching the server. */
  readonly progress?: (message: string) => void
}

const USER = 'keybearer'
const DOCKER_IMAGE = 'nats:2.11-alpine'

export function natsUrl(port: number, password: string): string {
  return `nats://${USER}:${encodeURIComponent(password)}@127.0.0.1:${port}`
}

/** Writes the configuration and returns the command that serves it, on loopback only, with JetStream. */
export async function natsCommand({ directory, port, password, progress }: NatsOptions): Promise<Command> {
  const server = await natsServer(progress)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const configuration = path.join(directory, 'nats.conf')
  const text = `listen: "127.0.0.1:${port}"
server_name: keybearer
authorization { user: ${USER}, password: ${JSON.stringify(password)} }
jetstream { store_dir: ${JSON.stringify(natsStore(directory))}, max_memory_store: 64MB, max_file_store: 1GB }
`
  await writeFile(configuration, text, { mode: 0o600 })
  if (server !== 'docker') return { file: server, args: ['-c', configuration], cwd: directory }

  const name = `keybearer-nats-${port}`
  const user = process.getuid ? ['--user', `${process.getuid()}:${process.getgid?.()}`] : []
  const place = ['--network', 'host', '--volume', `${directory}:${directory}`, ...user]
  return {
    file: 'docker',
    args: ['run', '--rm', '--name', name, ...place, DOCKER_IMAGE, '-c', configuration],
    // A docker client that was killed leaves its container running.
    prepare: () => run('docker', ['rm', '--force', name]).then(noop, noop),
  }
}

/** Where JetStream keeps its streams: rebuilt from the services' databases when it is lost. */
export function natsStore(directory: string): string {
  return path.join(directory, 'store')
}

/** Resolves when the server greets; rejects after `timeoutMs` or when `failed` reports that it has ended. */
export async function waitForNats(port: number, timeoutMs: number, failed: () => boolean = () => false): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await greets(port))) {
    if (failed() || Date.now() > deadline) throw new Error('the NATS server did not start')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp({ port, host: '127.0.0.1', timeout: 1000 })
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('data', (data) => end(data.toString().startsWith('INFO')))
    socket.once('error', () => end(false))
    socket.once('timeout', () => end(false))
  })
}

/**
 * The server program: the machine's own, the one that we fetched before, Debian's package unpacked into our cache (no
 * root needed, no system service started), else Docker.
 * @throws one line that says what to install
 */
async function natsServer(progress: (message: string) => void = noop): Promise<string> {
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/local/bin', '/usr/sbin', '/usr/bin']
  for (const folder of folders) {
    const file = path.join(folder, 'nats-server')
    if (folder && (await isExecutable(file))) return file
  }
  const cache = await cacheDirectory('nats-server')
  const cached = path.join(cache, 'usr', 'sbin', 'nats-server')
  if (await isExecutable(cached)) return cached
  if (await fetchDebianPackage(cache, progress)) return cached
  if (await run('docker', ['info', '--format', '{{.ServerVersion}}']).then(() => true, noop)) return 'docker'
  throw new Error(
    'no NATS server found: install it (Debian: apt-get install nats-server), put it on the PATH, or start Docker',
  )
}

async function fetchDebianPackage(target: string, progress: (message: string) => void): Promise<boolean> {
  const folder = await mkdtemp(`${target}.`)
  const options = { cwd: folder, env: { ...process.env, LC_ALL: 'C' } }
  const download = () => run('apt-get', ['download', 'nats-server'], options)
  try {
    progress('fetching nats-server (Debian package)')
    await download().catch(async (error: unknown) => {
      if (process.getuid?.() !== 0) throw error
      await run('apt-get', ['update'], options)
      await download()
    })
    const archive = (await readdir(folder)).find((name) => name.endsWith('.deb'))
    if (!archive) return false
    await run('dpkg-deb', ['--extract', archive, 'unpacked'], options)
    await rm(target, { recursive: true, force: true })
    await rename(path.join(folder, 'unpacked'), target)
    return true
  } catch {
    return false
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  )
}

function noop(): undefined {
  return undefined
}
