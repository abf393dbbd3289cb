import { setTimeout as delay } from 'node:timers/promises'
import { connect, type ConnectionOptions, type NatsConnection } from '@nats-io/transport-node'
import { Logger } from '@nestjs/common'

/** Address and credentials of a NATS server, from a URL that may carry `user:password@`. */
function connectionOptions(url: string): ConnectionOptions {
  const { hostname, port, username, password } = new URL(url)
  return {
    servers: `${hostname}:${port || '4222'}`,
    ...(username && { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
  }
}

/** One process' connection to NATS. It never gives up, and nobody has to wait for it but those who speak to NATS. */
export class Broker {
  readonly #logger = new Logger(Broker.name)
  readonly #stop = new AbortController()
  readonly #listeners = new Set<() => void>()
  #current: Promise<NatsConnection> | undefined
  #open: NatsConnection | undefined
  #away = true

  /** @param name shown in the server's list of connections */
  constructor(
    private readonly url: string,
    private readonly name: string,
  ) {}

  /** Whether messages pass at this moment. */
  get connected(): boolean {
    return !this.#away
  }

  /** The connection, once there is one. Rejects only after `close`. */
  connection(): Promise<NatsConnection> {
    this.#current ??= this.#connect()
    return this.#current
  }

  /** Calls back whenever the connection has been lost and is there again. Returns how to stop that. */
  onReconnect(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    this.#stop.abort()
    this.#away = true
    await this.#open?.close()
  }

  async #connect(): Promise<NatsConnection> {
    for (let failures = 0; ; failures++) {
      this.#stop.signal.throwIfAborted()
      try {
        const connection = await connect({
          ...connectionOptions(this.url),
          name: this.name,
          maxReconnectAttempts: -1,
          reconnectTimeWait: 200,
          reconnectJitter: 100,
          pingInterval: 5000,
          timeout: 5000,
        })
        return this.#opened(connection)
      } catch (error) {
        if (failures % 60 === 0) this.#logger.warn(`NATS does not answer: ${(error as Error).message}`)
        await delay(Math.min(100 * 2 ** failures, 1000), undefined, { signal: this.#stop.signal })
      }
    }
  }

  #opened(connection: NatsConnection): NatsConnection {
    this.#open = connection
    this.#away = false
    void this.#watch(connection)
    void connection.closed().then((error) => {
      this.#away = true
      if (this.#stop.signal.aborted) return
      this.#logger.warn(`the connection to NATS was closed${error ? `: ${error.message}` : ''}`)
      this.#current = this.#connect()
      this.#current.then(() => this.#tell()).catch(() => undefined)
    })
    if (this.#stop.signal.aborted) void connection.close()
    return connection
  }

  async #watch(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') {
        this.#away = true
        if (!this.#stop.signal.aborted) this.#logger.warn('NATS is away')
      } else if (type === 'reconnect') {
        this.#away = false
        this.#logger.log('NATS is back')
        this.#tell()
      }
    }
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
