import type { Decider, DomainEvent, Upcasters } from './decider.js'
import type { Projection } from './projection.js'

/** Everything that makes one kind of stream: its name, its rules, its past and its rows. */
export interface StreamDefinition<Command, Event extends DomainEvent, State> {
  /** The part of the stream id before the first dash: `content` in `content-6f2…`. */
  readonly category: string
  readonly decider: Decider<Command, Event, State>
  readonly upcasters: Upcasters
  readonly projections: readonly Projection<Event>[]
  /** Whether other services are told of this thing. */
  readonly published: boolean
}

export function defineStream<Command, Event extends DomainEvent, State>(
  definition: Omit<StreamDefinition<Command, Event, State>, 'upcasters'> & { upcasters?: Upcasters },
): StreamDefinition<Command, Event, State> {
  if (!/^[a-z_]+$/.test(definition.category)) throw new Error(`not a category: ${definition.category}`)
  return { upcasters: {}, ...definition }
}

export const streamId = (definition: { readonly category: string }, id: string): string =>
  `${definition.category}-${id}`
