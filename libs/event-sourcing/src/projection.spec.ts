import type { RecordedEvent } from './event-store.js'
import { project, projection } from './projection.js'
import type { SqlClient, Statement } from './sql.js'

type ThingEvent = { type: 'Opened'; data: { name: string } } | { type: 'Closed'; data: Record<string, never> }

const event = (id: string, type: ThingEvent['type'], name = id): RecordedEvent => ({
  id,
  type,
  data: type === 'Opened' ? { name } : {},
  version: 1,
  position: '1',
  recordedAt: new Date(0),
})

async function statementsFor(...events: RecordedEvent[]): Promise<unknown[][]> {
  const values: unknown[][] = []
  const client = {
    query: (statement: Statement) => {
      values.push([statement.text.split(' ')[0], ...statement.values])
      return Promise.resolve({ rows: [] })
    },
  } as unknown as SqlClient
  const things = projection<ThingEvent>(
    'things',
    {
      Opened: ({ id, data }, sql) => sql`one ${id} ${data.name}`,
      Closed: ({ id }, sql) => sql`closed ${id}`,
    },
    { Opened: (events, sql) => sql`all ${events.map(({ data }) => data.name)}` },
  )
  await project([things], events, client)
  return values
}

describe('a projection', () => {
  it('makes one statement an event, in order', async () => {
    expect(await statementsFor(event('a', 'Opened'), event('a', 'Closed'), event('b', 'Closed'))).toEqual([
      ['one', 'a', 'a'],
      ['closed', 'a'],
      ['closed', 'b'],
    ])
  })

  it('makes one of several events of a type that follow each other, where it can', async () => {
    expect(await statementsFor(event('a', 'Opened'), event('b', 'Opened'), event('a', 'Closed'))).toEqual([
      ['all', ['a', 'b']],
      ['closed', 'a'],
    ])
  })
})
