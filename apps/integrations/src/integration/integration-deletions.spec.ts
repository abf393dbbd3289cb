import { randomUUID } from 'node:crypto'
import type { Streams } from '#libs/event-sourcing'
import type { ContentQueries } from '../content/content.queries.js'
import type { Reaction, Sweep, Todo } from '../todo/todo.js'
import { IntegrationDeletions } from './integration-deletions.js'

describe('the deletion of an integration', () => {
  it('drops the first hundred associations at once and leaves the rest to the work list, which drops them all', async () => {
    const dropped: string[] = []
    let react: Reaction | undefined
    let sweep: Sweep | undefined
    const streams = {
      handle: (_: unknown, guid: string, { type }: { type: string }) => {
        if (type === 'DropIntegration') dropped.push(guid)
        return Promise.resolve()
      },
    }
    const contents = {
      associationsWith: () => Promise.resolve(Array.from({ length: 250 }, (_, at) => ({ contentGuid: `item-${at}` }))),
      integrationsGone: () => Promise.resolve(['gone']),
    }
    const todo = {
      on: (_: string, reaction: Reaction, found: Sweep) => {
        react = reaction
        sweep = found
      },
    }
    const deletions = new IntegrationDeletions(
      streams as unknown as Streams,
      contents as unknown as ContentQueries,
      todo as unknown as Todo,
    )
    const actor = { type: 'service', name: 'integrations' } as const
    await deletions.delete('integration', { actor, commandId: randomUUID(), correlationId: 'x' })
    expect(dropped).toHaveLength(100)
    expect(await sweep!()).toEqual([{ kind: 'integration_deleted', key: 'gone' }])
    dropped.length = 0
    await react!('integration')
    expect(dropped).toHaveLength(250)
  })
})
