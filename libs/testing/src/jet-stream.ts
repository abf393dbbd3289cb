import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { natsCommand, natsStore, natsUrl as urlOf, waitForNats } from '../../../apps/launcher/src/nats.js'
import { freePort } from '../../../apps/launcher/src/ports.js'
import { coordinate } from './coordinate.js'

/** The run's shared NATS server, with its credentials. */
export function natsUrl(): string {
  return coordinate('KEYBEARER_TEST_NATS_URL')
}

/** A connection to the run's shared server, for the caller to close. Use subjects of your own. */
export function natsConnection(): Promise<NatsConnection> {
  return connectTo(natsUrl())
}

/** A NATS server of the spec's own, which may be killed, started again and robbed of its store. */
export interface FreshJetStream {
  /** With credentials; stays the same when the server is started again. */
  readonly url: string
  /** A connection that `stop` closes. */
  connect(): Promise<NatsConnection>
  kill(): Promise<void>
  start(): Promise<void>
  /** Deletes the store of a server that is not running. */
  wipe(): Promise<void>
  /** Closes the connections, stops the server and deletes its store. */
  stop(): Promise<void>
}

export async function freshJetStream(): Promise<FreshJetStream> {
  const directory = await mkdtemp(path.join(tmpdir(), 'keybearer-nats-'))
  const port = await freePort()
  const password = randomBytes(12).toString('hex')
  const url = urlOf(port, password)
  const command = await natsCommand({ directory, port, password })
  const connections: NatsConnection[] = []
  let child: ChildProcess | undefined

  const end = async (signal: NodeJS.Signals) => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }
  const fresh: FreshJetStream = {
    url,
    connect: async () => {
      const connection = await connectTo(url)
      connections.push(connection)
      return connection
    },
    kill: () => end('SIGKILL'),
    start: async () => {
      await command.prepare?.()
      const started = spawn(...dyingWithUs(command.file, command.args), { stdio: 'ignore' })
      child = started
      await waitForNats(port, 10_000, () => started.exitCode !== null)
    },
    wipe: () => rm(natsStore(directory), { recursive: true, force: true }),
    stop: async () => {
      await Promise.all(connections.map((connection) => connection.close()))
      await end('SIGTERM')
      await rm(directory, { recursive: true, force: true })
    },
  }
  await fresh.start()
  return fresh
}

/** So that a worker of jest that is killed leaves no server behind. */
function dyingWithUs(file: string, args: readonly string[]): [string, string[]] {
  const setpriv = '/usr/bin/setpriv'
  return existsSync(setpriv) ? [setpriv, ['--pdeathsig', 'KILL', file, ...args]] : [file, [...args]]
}

function connectTo(url: string): Promise<NatsConnection> {
  const { username, password, host } = new URL(url)
  return connect({ servers: host, user: decodeURIComponent(username), pass: decodeURIComponent(password) })
}
