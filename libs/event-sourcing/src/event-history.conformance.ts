import { readFileSync } from 'node:fs'
import { schemaVersion, upcast, type DomainEvent } from './decider.js'
import type { StreamDefinition } from './stream-definition.js'

interface Written {
  readonly type: string
  readonly schema_version: number
  readonly data: object
}

/**
 * What has ever been written can be read for ever. The file holds histories as they stood in a log: add to it with each
 * new event and version, never change it. Call it inside a `describe`.
 * @param types every event type; `satisfies Record<XEvent['type'], true>` makes the compiler ask for new ones
 * @param file URL of a JSON array of histories, each an array of `{type, schema_version, data}`
 */
export function eventHistoryContract<Command, Event extends DomainEvent, State>(
  { decider, upcasters, foldsFrom }: StreamDefinition<Command, Event, State>,
  types: Record<Event['type'], true>,
  file: URL,
): void {
  const histories = JSON.parse(readFileSync(file, 'utf8')) as Written[][]

  it('reads every history that was ever written', () => {
    for (const history of histories) {
      history.reduce((state, { type, schema_version, data }) => {
        expect(Object.keys(types)).toContain(type)
        return decider.evolve(state, { type, data: upcast(upcasters, type, schema_version, data) } as Event)
      }, decider.initial)
    }
  })

  it('has a state after each event of foldsFrom that nothing before it has to do with', () => {
    for (const history of histories) {
      history.reduce((before, { type, schema_version, data }) => {
        const event = { type, data: upcast(upcasters, type, schema_version, data) } as Event
        const alone = foldsFrom.includes(type) ? decider.evolve(decider.initial, event) : undefined
        const after = decider.evolve(before, event)
        if (foldsFrom.includes(type)) expect(alone).toEqual(after)
        return after
      }, decider.initial)
    }
  })

  it.each(Object.keys(types))('has an example of each version of %s', (type) => {
    const versions = new Set(histories.flat().flatMap((event) => (event.type === type ? [event.schema_version] : [])))
    expect([...versions].sort()).toEqual(
      Array.from({ length: schemaVersion(upcasters, type) }, (_, index) => index + 1),
    )
  })
}
