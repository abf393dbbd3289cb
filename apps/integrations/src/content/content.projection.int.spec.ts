import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import { PostgresEventStore, Streams } from '#libs/event-sourcing'
import { freshDatabase, type FreshDatabase } from '#libs/testing'
import type { ContentCommand } from './content.decider.js'
import { publishedContent } from './content.published.js'
import { contentStream } from './content.stream.js'

let database: FreshDatabase
let pool: Pool
let streams: Streams

beforeAll(async () => {
  database = await freshDatabase('integrations')
  pool = database.pool()
  streams = new Streams(new PostgresEventStore(pool))
})
afterAll(() => database.drop())

const ownerGuid = randomUUID()
const editor = { guid: ownerGuid, role: 'publisher' } as const
const register: ContentCommand = {
  type: 'RegisterContent',
  ownerGuid,
  name: 'sales',
  title: null,
  description: '',
  accessType: 'acl',
}

async function when(guid: string, ...commands: ContentCommand[]): Promise<void> {
  for (const command of commands) {
    await streams.handle(contentStream, guid, command, {
      actor: { type: 'service', name: 'spec' },
      commandId: randomUUID(),
    })
  }
}

describe('content, from events to what is published', () => {
  it('shows registered content with what has changed since', async () => {
    const guid = randomUUID()
    const changes = { name: 'orders', appMode: 'shiny', accessType: 'all', upstreamUrl: 'http://127.0.0.1:1/' } as const
    await when(guid, register, { type: 'ChangeContent', editor, changes, upstream: 'listed', widest: 'all' })
    expect(await publishedContent.read(pool, guid)).toEqual({
      version: 5,
      state: {
        guid,
        owner_guid: ownerGuid,
        name: 'orders',
        access_type: 'all',
        kind: 'interactive',
        upstream_url: 'http://127.0.0.1:1/',
        locked: false,
        locked_message: '',
        permissions: [],
        share_links: [],
        vanity_path: null,
        associations: [],
      },
    })
  })

  it('lists associations in the order in which they were made', async () => {
    const guid = randomUUID()
    const [first, second, third] = [randomUUID(), randomUUID(), randomUUID()]
    const set = (...guids: string[]): ContentCommand => ({
      type: 'SetAssociations',
      editor,
      integrations: guids.map((guid) => ({ guid, authType: 'Viewer', usable: true })),
    })
    await when(guid, register, set(first, second), set(third, second))
    const document = await publishedContent.read(pool, guid)
    expect(document?.state?.associations.map((association) => association.oauth_integration_guid)).toEqual([
      second,
      third,
    ])
  })

  it('leaves a tombstone with the version, and no rows', async () => {
    const guid = randomUUID()
    const integrations = [{ guid: randomUUID(), authType: 'Viewer', usable: true }] as const
    await when(guid, register, { type: 'SetAssociations', editor, integrations }, { type: 'DeleteContent', editor })
    expect(await publishedContent.read(pool, guid)).toEqual({ version: 3, state: null })
    expect((await pool.query('select from association where content_guid = $1', [guid])).rowCount).toBe(0)
  })

  it('knows nothing of what never was', async () => {
    expect(await publishedContent.read(pool, randomUUID())).toBeUndefined()
  })
})
