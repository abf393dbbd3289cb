/** A fact about one stream, past tense, never changed. `data` is JSON and holds no secret. */
export interface DomainEvent {
  readonly type: string
  readonly data: object
}

/**
 * All rules of one kind of stream, as pure functions: no clock, no ids, no look-ups. What they need of these comes in
 * with the command.
 */
export interface Decider<Command, Event extends DomainEvent, State> {
  /** Of a state that `evolve` changes, a getter that makes a new one. */
  readonly initial: State
  /** What the command makes happen; `[]` when it changes nothing. @throws DomainError a refusal */
  decide(command: Command, state: State): readonly Event[]
  /** May change the state that it is given and give that back: whoever folds has no further use for the one before. */
  evolve(state: State, event: Event): State
}

/** Brings the `data` of an event from the version that is the key to the next one. Pure, and kept for ever. */
export type Upcasters = Readonly<Record<string, Readonly<Record<number, (data: never) => object>>>>

/** The version in which an event type is written now: one more than its last upcaster's. */
export function schemaVersion(upcasters: Upcasters, type: string): number {
  return 1 + Math.max(0, ...Object.keys(upcasters[type] ?? {}).map(Number))
}

/** @throws Error when the log holds a version that nobody can read any more: a bug, since upcasters stay for ever */
export function upcast(upcasters: Upcasters, type: string, version: number, data: object): object {
  const now = schemaVersion(upcasters, type)
  if (version > now) throw new Error(`${type} is stored in version ${version}, newer than this program knows (${now})`)
  let current = data
  for (let from = version; from < now; from++) {
    const step = upcasters[type]?.[from]
    if (!step) throw new Error(`${type} has no upcaster from version ${from}`)
    current = step(current as never)
  }
  return current
}
