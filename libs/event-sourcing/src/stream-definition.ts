import type { Decider, DomainEvent, Upcasters } from './decider.js'
import type { Projection } from './projection.js'

/** Everything that makes one kind of stream: its name, its rules, its past and its rows. */
export interface StreamDefinition<Command, Event extends DomainEvent, State> {
  /** The part of the stream id before the first dash: `content` in `content-6f2…`. */
  readonly category: string
  readonly decider: Decider<Command, Event, State>
  readonly upcasters: Upcasters
  /**
   * Events after which the state no longer depends on what was before: a stream that goes on for years is loaded from
   * the last of them. `evolve` must not look at the state when it takes one.
   */
  readonly foldsFrom: readonly Event['type'][]
  readonly projections: readonly Projection<Event>[]
  /** Whether other services are told of this thing. */
  readonly published: boolean
}

export function defineStream<Command, Event extends DomainEvent, State>(
  definition: Omit<StreamDefinition<Command, Event, State>, 'upcasters' | 'foldsFrom'> &
    Partial<Pick<StreamDefinition<Command, Event, State>, 'upcasters' | 'foldsFrom'>>,
): StreamDefinition<Command, Event, State> {
  if (!/^[a-z_]+$/.test(definition.category)) throw new Error(`not a category: ${definition.category}`)
  return { upcasters: {}, foldsFrom: [], ...definition }
}

export const streamId = (definition: { readonly category: string }, id: string): string =>
  `${definition.category}-${id}`
