import { setTimeout as delay } from 'node:timers/promises'
import { heartbeatSubject, jetStreamName, SERVICES, type Heartbeat, type ServiceName } from '#libs/contracts'
import {
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  jetstream,
  jetstreamManager,
  type ConsumerMessages,
  type JetStreamManager,
  type JsMsg,
} from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { Logger } from '@nestjs/common'
import { BaseRpcContext, Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices'
import { isObservable, lastValueFrom } from 'rxjs'
import { atMost } from './at-most.js'
import type { Broker } from './broker.js'
import type { Freshness } from './freshness.js'
import { matches } from './subject.js'

/** For what a stop still waits for: NATS, and then the handlers. */
const CLOSE_MS = 500

/** What a handler may ask about the message that it got; the second argument of an `@EventPattern` method (`@Ctx()`). */
export class ChangeContext extends BaseRpcContext<[subject: string]> {
  /** `<service>.<category>.<guid>` */
  getSubject(): string {
    return this.args[0]
  }
}

export interface JetStreamServerOptions {
  readonly broker: Broker
  readonly freshness: Freshness
  /** Whose changes are read. By default those that the handlers' patterns name. */
  readonly services?: readonly ServiceName[]
  /** How often the broker's stream is looked at: for its identity, and to date heartbeats. */
  readonly lookMs?: number
  /** How many messages are with handlers at once; those of one subject always one after the other. */
  readonly inFlight?: number
}

/**
 * Nest's transport for changes: reads each service's JetStream stream from the present snapshot on and gives every
 * message to the `@EventPattern` handlers whose pattern (`identity.user.*`, `*.heartbeat`) it falls under, in order per
 * subject. A handler that fails is called again until it succeeds or a newer message of the subject is there; no
 * heartbeat counts before everything in front of it has succeeded.
 */
export class JetStreamServer extends Server implements CustomTransportStrategy {
  override readonly transportId = Symbol('jetstream')
  override readonly propagatesEventHandlerErrors = true
  #feeds: ServiceFeed[] = []

  constructor(private readonly options: JetStreamServerOptions) {
    super()
  }

  listen(callback: (error?: unknown) => void): void {
    const handlers = [...this.messageHandlers].map(([pattern, handler]) => ({ pattern, handler }))
    const services =
      this.options.services ??
      SERVICES.filter((service) => handlers.some(({ pattern }) => pattern.startsWith(`${service}.`)))
    this.#feeds = services.map(
      (service) => new ServiceFeed(service, this.options, (...message) => this.#dispatch(...message)),
    )
    for (const feed of this.#feeds) feed.start()
    callback()
  }

  async close(): Promise<void> {
    await Promise.all(this.#feeds.map((feed) => feed.close()))
    this.#feeds = []
  }

  /** Whether everything that the broker had of that service when this process came has been handled. */
  snapshotComplete(service: ServiceName): boolean {
    return this.options.freshness.snapshotComplete(service)
  }

  /** There is nothing to listen to: a broker that is away is waited for. */
  on(): void {}

  unwrap<T>(): T {
    return this.options.broker as T
  }

  async #dispatch(data: unknown, context: ChangeContext): Promise<void> {
    const subject = context.getSubject()
    for (const [pattern, handler] of this.messageHandlers) {
      if (!matches(pattern, subject)) continue
      // Nest's hooks (tracing) may call back whenever they like, so the handler's own end is waited for.
      await new Promise<void>((resolve, reject) => {
        this.runWithProcessingHooks(context, (runEndHook) =>
          settled(handler, data, context).then(resolve, reject).finally(runEndHook),
        )
      })
    }
  }
}

/** Nest answers a failed handler with an observable that fails, so the end of the observable is awaited. */
async function settled(handler: MessageHandler, data: unknown, context: ChangeContext): Promise<void> {
  const result: unknown = await handler(data, context)
  if (isObservable(result)) await lastValueFrom(result, { defaultValue: undefined })
}

/** One pass over a stream, from its snapshot on. */
interface Reading {
  /** Identity of the stream: when the broker made it. */
  readonly created: string
  /** The stream's last sequence when the reading began. */
  readonly head: number
  /** The last sequence read. */
  read: number
  completed: boolean
  /** When the broker began it, by the broker's clock, ms; and when it was asked to, by ours. */
  readonly begun: number
  readonly askedAt: number
}

/** When a message that was there before the reading began was stored, by our clock; both ages are the broker's. */
function storedAt(message: JsMsg, { begun, askedAt }: Reading): number | undefined {
  const ageMs = begun - message.info.timestampNanos / 1e6
  return ageMs >= 0 ? askedAt - ageMs : undefined
}

/** Reads one service's stream for as long as the process lives, whatever happens to the broker. */
class ServiceFeed {
  readonly #logger = new Logger(JetStreamServer.name)
  readonly #stop = new AbortController()
  readonly #tails = new Map<string, Promise<void>>()
  readonly #inFlight = new Set<Promise<void>>()
  readonly #stream: string
  #messages: ConsumerMessages | undefined
  #done: Promise<void> = Promise.resolve()
  #unsubscribe: () => void = () => undefined
  #onFree: () => void = () => undefined

  constructor(
    private readonly service: ServiceName,
    private readonly options: JetStreamServerOptions,
    private readonly dispatch: (data: unknown, context: ChangeContext) => Promise<void>,
  ) {
    this.#stream = jetStreamName(service)
  }

  start(): void {
    // A broker that was away may have come back with another past: then only reading all of it again is safe.
    this.#unsubscribe = this.options.broker.onReconnect(() => this.#messages?.stop())
    this.#done = this.#run()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    this.#unsubscribe()
    this.#messages?.stop()
    // A broker that does not answer must not keep the process alive.
    await atMost(CLOSE_MS, this.#done)
    await atMost(CLOSE_MS, Promise.allSettled(this.#inFlight))
  }

  async #run(): Promise<void> {
    for (let quiet = false; !this.#stop.signal.aborted;) {
      try {
        await this.#read()
        quiet = false
      } catch (error) {
        if (this.#stop.signal.aborted) return
        if (!quiet) this.#logger.log(`waiting for the changes of ${this.service}: ${(error as Error).message}`)
        quiet = true
      }
      await this.#pause(200)
    }
  }

  async #read(): Promise<void> {
    const { broker, freshness } = this.options
    const connection = await this.#orStopped(broker.connection())
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: 2000 })
    const at = performance.now()
    const { created, state } = await manager.streams.info(this.#stream)
    freshness.forgetLooks(this.service)
    freshness.looked(this.service, state.last_seq, at)
    const askedAt = performance.now()
    const consumer = await jetstream(connection).consumers.get(this.#stream, {
      deliver_policy: DeliverPolicy.LastPerSubject,
      filter_subjects: `${this.service}.>`,
    })
    const messages = await consumer.consume({ max_messages: this.#limit, expires: 5000 })
    this.#messages = messages
    if (this.#stop.signal.aborted) messages.stop()
    const { created: begun, num_pending } = await consumer.info(true)
    const reading: Reading = {
      created,
      head: state.last_seq,
      read: 0,
      completed: false,
      begun: Date.parse(begun),
      askedAt,
    }
    if (num_pending === 0) this.#completed(reading)
    void this.#watch(connection, manager, messages, reading)
    try {
      for await (const message of messages) {
        reading.read = message.seq
        await this.#take(message, reading)
        if (!reading.completed && (message.seq >= reading.head || message.info.pending === 0)) this.#completed(reading)
      }
    } finally {
      messages.stop()
      this.#messages = undefined
      if (!connection.isClosed() && broker.connected) await consumer.delete().catch(() => undefined)
    }
  }

  /** Looks at the stream at intervals; ends the reading when it is not the one that is being read any more. */
  async #watch(
    connection: NatsConnection,
    manager: JetStreamManager,
    messages: ConsumerMessages,
    reading: Reading,
  ): Promise<void> {
    const ended = new AbortController()
    void messages.closed().then(() => ended.abort())
    const signal = AbortSignal.any([this.#stop.signal, ended.signal])
    while (!signal.aborted && !connection.isClosed()) {
      await delay(this.options.lookMs ?? 1000, undefined, { signal }).catch(() => undefined)
      if (signal.aborted) return
      try {
        const at = performance.now()
        const before = reading.read
        const { created, state } = await manager.streams.info(this.#stream)
        if (created !== reading.created || state.last_seq < before) {
          this.#logger.warn(`the stream of ${this.service} is another one now: reading all of it`)
          return messages.stop()
        }
        this.options.freshness.looked(this.service, state.last_seq, at)
      } catch (error) {
        if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)
          return messages.stop()
      }
    }
  }

  #completed(reading: Reading): void {
    reading.completed = true
    void Promise.all(this.#inFlight).then(() => {
      if (!this.#stop.signal.aborted) this.options.freshness.completed(this.service)
    })
  }

  get #limit(): number {
    return this.options.inFlight ?? 500
  }

  async #take(message: JsMsg, reading: Reading): Promise<void> {
    const { subject } = message
    const isHeartbeat = subject === heartbeatSubject(this.service)
    const sameSubject = this.#tails.get(subject)
    const earlier = isHeartbeat ? Promise.all([sameSubject, ...this.#inFlight]) : sameSubject
    const task: Promise<void> = this.#deliver(message, reading, earlier, () => this.#tails.get(subject) !== task)
    this.#tails.set(subject, task)
    // A heartbeat waits for all others, so it must not take a place that they need.
    if (!isHeartbeat) this.#inFlight.add(task)
    void task.then(() => {
      if (this.#inFlight.delete(task)) this.#onFree()
      if (this.#tails.get(subject) === task) this.#tails.delete(subject)
    })
    if (this.#inFlight.size >= this.#limit) await new Promise<void>((resolve) => (this.#onFree = resolve))
  }

  /** Never rejects: it ends when the message was handled, or need not be any more. */
  async #deliver(
    message: JsMsg,
    reading: Reading,
    earlier: Promise<unknown> | undefined,
    superseded: () => boolean,
  ): Promise<void> {
    await earlier
    const { subject, seq } = message
    const data = parsed(message)
    const context = new ChangeContext([subject])
    for (let failures = 0; !this.#stop.signal.aborted; failures++) {
      try {
        await this.dispatch(data, context)
        if (subject === heartbeatSubject(this.service)) {
          const heartbeat = data as Partial<Heartbeat> | undefined
          this.options.freshness.heard(this.service, seq, heartbeat, storedAt(message, reading))
        }
        return
      } catch (error) {
        if (superseded()) return
        if (failures % 10 === 0) this.#logger.error(`message ${seq} of ${subject} is tried again: ${reason(error)}`)
        await this.#pause(Math.min(50 * 2 ** failures, 5000))
        if (superseded()) return
      }
    }
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stop.signal }).catch(() => undefined)
  }

  #orStopped<T>(promise: Promise<T>): Promise<T> {
    const { signal } = this.#stop
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(new Error('stopped'))
      signal.addEventListener('abort', onAbort, { once: true })
      void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
    })
  }
}

/** `undefined` for bytes that are not JSON: the replica knows what to do with a message that cannot be read. */
function parsed(message: JsMsg): unknown {
  try {
    return message.json<unknown>()
  } catch {
    return undefined
  }
}

const reason = (error: unknown): string => (error as { message?: string }).message ?? 'unknown'
