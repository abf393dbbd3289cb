import { deepStrictEqual, fail } from 'node:assert/strict'
import type { Decider, DomainEvent } from './decider.js'

/** What a specification says of the outcome. Each throws when it is not so. */
export interface Outcome<Event extends DomainEvent> {
  then(...events: Event[]): void
  thenNothing(): void
  /** @param code the `code` of the DomainError that `decide` has to throw */
  thenRefused(code: string): void
}

/** Given what has happened, when a command comes, then this happens: a rule as a test, without a database. */
export function specification<Command, Event extends DomainEvent, State>(decider: Decider<Command, Event, State>) {
  const after =
    (history: readonly Event[]) =>
    (command: Command): Outcome<Event> => {
      const state = history.reduce((state, event) => decider.evolve(state, event), decider.initial)
      return {
        then: (...events) => deepStrictEqual(decider.decide(command, state), events),
        thenNothing: () => deepStrictEqual(decider.decide(command, state), []),
        thenRefused: (code) =>
          deepStrictEqual(
            refusalOf(() => decider.decide(command, state)),
            code,
          ),
      }
    }
  return { given: (...history: Event[]) => ({ when: after(history) }), when: after([]) }
}

function refusalOf(decide: () => readonly DomainEvent[]): string | undefined {
  let events: readonly DomainEvent[]
  try {
    events = decide()
  } catch (error) {
    return (error as { code?: string }).code
  }
  fail(`not refused, but decided ${JSON.stringify(events.map(({ type }) => type))}`)
}
