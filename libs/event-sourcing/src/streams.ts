import { setTimeout as delay } from 'node:timers/promises'
import { v5 as uuidV5 } from 'uuid'
import type { CommandContext } from './command-context.js'
import { schemaVersion, type DomainEvent } from './decider.js'
import {
  type Append,
  ConcurrencyConflict,
  endOf,
  type EventMeta,
  type EventStore,
  type NewEvent,
  type Past,
  type RecordedEvent,
  type StoredEvent,
} from './event-store.js'
import { project, recorded } from './projection.js'
import type { SqlClient } from './sql.js'
import { streamId, type StreamDefinition } from './stream-definition.js'

/** How long a command goes on trying while others change the same thing, in milliseconds. */
const RETRY_FOR_MS = 2_000

/** What has become of a command. */
export interface Handled<Event extends DomainEvent, State> {
  /** What the command made happen: now, or the first time it was given. */
  readonly events: readonly RecordedEvent<Event>[]
  readonly state: State
  /** The stream's version; 0 when nothing has ever happened to it. */
  readonly version: number
  /** Whether the command had been carried out before. */
  readonly repeated: boolean
}

export interface HandleOptions {
  /**
   * Writes what the log does not contain (schema `record`), in the append's transaction and again on a retry. It does
   * not run when the command changes nothing, nor for a repeat.
   */
  readonly record?: (client: SqlClient) => Promise<void>
}

/** The same command id came with another request: its sender has to choose a new idempotency key. */
export class IdempotencyConflict extends Error {
  constructor() {
    super('this idempotency key was used for another request')
    this.name = 'IdempotencyConflict'
  }
}

/** The one entrance for commands. Loads, decides, appends; tries again when another was first. */
export class Streams {
  readonly #tails = new Map<string, Promise<unknown>>()

  constructor(
    private readonly store: EventStore,
    private readonly options: {
      /** Called after an append that others are told of. */
      readonly wake?: () => void
      readonly now?: () => Date
      /** How long a command goes on trying, in milliseconds; 2,000 unless told. */
      readonly retryForMs?: number
    } = {},
  ) {}

  /** The state of a stream, as its rules see it. */
  async load<Command, Event extends DomainEvent, State>(
    definition: StreamDefinition<Command, Event, State>,
    id: string,
  ): Promise<{ state: State; version: number }> {
    const events = await this.store.read(streamId(definition, id), definition.foldsFrom)
    return { state: fold(definition, events), version: endOf(events).version }
  }

  /**
   * What this command did when it came before, if it did: for what must not happen twice and stands outside the
   * append, such as handing over a secret.
   * @throws IdempotencyConflict
   */
  async former<Command, Event extends DomainEvent, State>(
    definition: StreamDefinition<Command, Event, State>,
    id: string,
    context: CommandContext,
  ): Promise<Handled<Event, State> | undefined> {
    const name = streamId(definition, id)
    return this.#repeat(definition, name, await this.#past(definition, name, context), context)
  }

  /**
   * Carries out one command on one stream, in one transaction.
   * @throws DomainError the decider's refusal
   * @throws ConcurrencyConflict when others kept changing the same thing for two seconds
   * @throws IdempotencyConflict
   */
  async handle<Command, Event extends DomainEvent, State>(
    definition: StreamDefinition<Command, Event, State>,
    id: string,
    command: Command,
    context: CommandContext,
    options: HandleOptions = {},
  ): Promise<Handled<Event, State>> {
    const name = streamId(definition, id)
    return this.#inTurn(name, async () => {
      const giveUpAt = performance.now() + (this.options.retryForMs ?? RETRY_FOR_MS)
      for (;;) {
        try {
          return await this.#attempt(definition, name, command, context, options)
        } catch (error) {
          if (!(error instanceof ConcurrencyConflict) || performance.now() > giveUpAt) throw error
          await delay(5 + Math.random() * 45)
        }
      }
    })
  }

  /**
   * Carries out the first commands of many streams of a kind in one transaction: all of them or none. For ids that
   * nobody else can have: there is no second try, and a repeat is refused.
   * @throws DomainError the decider's refusal
   * @throws ConcurrencyConflict when one of the streams exists
   */
  async begin<Command, Event extends DomainEvent, State>(
    definition: StreamDefinition<Command, Event, State>,
    commands: ReadonlyMap<string, Command>,
    context: CommandContext,
    { record }: HandleOptions = {},
  ): Promise<void> {
    const streams = [...commands].map(([id, command]) => ({
      streamId: streamId(definition, id),
      events: stored(definition, definition.decider.decide(command, definition.decider.initial)),
    }))
    await this.store.begin({
      streams: streams.filter(({ events }) => events.length > 0),
      meta: this.#meta(context),
      published: definition.published,
      inTransaction: this.#following(definition, record),
    })
    if (definition.published) this.options.wake?.()
  }

  async #attempt<Command, Event extends DomainEvent, State>(
    definition: StreamDefinition<Command, Event, State>,
    name: string,
    command: Command,
    context: CommandContext,
    options: HandleOptions,
  ): Promise<Handled<Event, State>> {
    const past = await this.#past(definition, name, context)
    const former = await this.#repeat(definition, name, past, context)
    if (former) return former

    const before = past.events
    const state = fold(definition, before)
    const decided = definition.decider.decide(command, state)
    if (decided.length === 0) {
      const request = requestOf(context)
      const isFirst = request === undefined || (await this.store.noteUnchanged(name, context.commandId, request))
      if (!isFirst) throw new IdempotencyConflict()
      return { events: [], state, version: endOf(before).version, repeated: false }
    }

    const appended = await this.#append(definition, name, before, decided, context, options)
    if (!appended) {
      // The commit's answer was lost and the events are there: the command has been carried out.
      const now = await this.#repeat(definition, name, await this.#past(definition, name, context), context)
      if (now) return now
      throw new ConcurrencyConflict(name)
    }
    if (definition.published) this.options.wake?.()
    const events = appended.map((event) => recorded(event, definition.upcasters) as RecordedEvent<Event>)
    return {
      events,
      state: decided.reduce((state, event) => definition.decider.evolve(state, event), state),
      version: endOf(appended).version,
      repeated: false,
    }
  }

  /** @returns `undefined` when the outcome was unknown and turned out to be a success */
  async #append<Command, Event extends DomainEvent, State>(
    definition: StreamDefinition<Command, Event, State>,
    name: string,
    before: readonly StoredEvent[],
    decided: readonly Event[],
    context: CommandContext,
    { record }: HandleOptions,
  ): Promise<readonly StoredEvent[] | undefined> {
    try {
      return await this.store.append({
        streamId: name,
        expected: endOf(before),
        events: stored(definition, decided),
        meta: this.#meta(context),
        published: definition.published,
        inTransaction: this.#following(definition, record),
      })
    } catch (error) {
      if (error instanceof ConcurrencyConflict) throw error
      // An error at commit means unknown, not failed: the log itself knows.
      const now = await this.#past(definition, name, context).catch(() => undefined)
      if (now && now.former.length > 0) return undefined
      throw error
    }
  }

  /** What is written behind the events: rows first, then what the log does not contain. */
  #following<Command, Event extends DomainEvent, State>(
    { projections, upcasters }: StreamDefinition<Command, Event, State>,
    record: HandleOptions['record'],
  ): Append['inTransaction'] {
    return async (client, stored) => {
      const events = stored.map((event) => recorded(event, upcasters) as RecordedEvent<Event>)
      await project(projections, events, client)
      await record?.(client)
    }
  }

  #past<Command, Event extends DomainEvent, State>(
    { foldsFrom }: StreamDefinition<Command, Event, State>,
    name: string,
    { commandId }: CommandContext,
  ): Promise<Past> {
    return this.store.pastOf(name, commandId, foldsFrom)
  }

  async #repeat<Command, Event extends DomainEvent, State>(
    definition: StreamDefinition<Command, Event, State>,
    name: string,
    { events, former }: Past,
    context: CommandContext,
  ): Promise<Handled<Event, State> | undefined> {
    const [first] = former
    if (first) {
      const { request_fingerprint: fingerprint } = JSON.parse(first.meta) as EventMeta
      if (fingerprint !== context.requestFingerprint) throw new IdempotencyConflict()
    } else {
      const request = requestOf(context)
      const unchanged = request && (await this.store.unchangedBy(name, context.commandId))
      if (unchanged === undefined) return undefined
      if (unchanged !== request) throw new IdempotencyConflict()
    }
    return {
      events: former.map((event) => recorded(event, definition.upcasters) as RecordedEvent<Event>),
      state: fold(definition, events),
      version: endOf(events).version,
      repeated: true,
    }
  }

  #meta(context: CommandContext): EventMeta {
    return {
      actor: context.actor,
      at: (this.options.now?.() ?? new Date()).toISOString(),
      command_id: context.commandId,
      correlation_id: context.correlationId,
      causation_id: context.causationId,
      request_fingerprint: context.requestFingerprint,
    }
  }

  /** Commands on one stream queue here, so that a process never races with itself. */
  async #inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    const mine = (this.#tails.get(name) ?? Promise.resolve()).then(work, work)
    this.#tails.set(name, mine)
    try {
      return await mine
    } finally {
      if (this.#tails.get(name) === mine) this.#tails.delete(name)
    }
  }
}

const stored = <Command, Event extends DomainEvent, State>(
  { upcasters }: StreamDefinition<Command, Event, State>,
  events: readonly Event[],
): NewEvent[] =>
  events.map(({ type, data }) => ({
    type,
    schemaVersion: schemaVersion(upcasters, type),
    data: JSON.stringify(data),
  }))

/** A guid of what a command was asked for; only with an idempotency key can it come again, or another under it. */
const requestOf = ({ commandId, requestFingerprint }: CommandContext): string | undefined =>
  requestFingerprint === undefined ? undefined : uuidV5(requestFingerprint, commandId)

function fold<Command, Event extends DomainEvent, State>(
  { decider, upcasters }: StreamDefinition<Command, Event, State>,
  events: readonly StoredEvent[],
): State {
  return events.reduce((state, stored) => {
    const { type, data } = recorded(stored, upcasters)
    return decider.evolve(state, { type, data } as Event)
  }, decider.initial)
}
