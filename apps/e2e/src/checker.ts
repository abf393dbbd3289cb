import path from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { changeSubject, jetStreamName, type ChangeMessage, type ServiceName } from '#libs/contracts'
import { brokenAt, type StoredEvent } from '#libs/event-sourcing'
import { ServiceKeys, ServiceTokens } from '#libs/service'
import { DATABASES, type Database, type House } from './house.js'

/** What each service publishes. */
const PUBLISHED: Readonly<Partial<Record<Database, readonly string[]>>> = {
  identity: ['user', 'group', 'api_key'],
  integrations: ['content', 'integration'],
}

interface Document {
  readonly service: ServiceName
  readonly category: string
  readonly guid: string
  readonly version: number
}

/** V3: streams whose versions have a gap or whose hash chain does not hold; the log of issued tokens included. */
export async function brokenStreams(house: House): Promise<string[]> {
  const broken: string[] = []
  for (const database of DATABASES) {
    for (const table of database === 'vault' ? ['event', 'issue'] : ['event']) {
      const { rows } = await house.pool(database).query<StoredEvent>(`
        select stream_id as "streamId", version, type, schema_version as "schemaVersion", data, meta, hash
        from log.${table} order by stream_id, version`)
      for (const [streamId, events] of Map.groupBy(rows, (event) => event.streamId)) {
        const version = brokenAt(events)
        if (version !== undefined) broken.push(`${database}: ${streamId} at ${version}`)
      }
    }
  }
  return broken
}

/** Every stream that is published, deleted things included. */
async function documents(house: House): Promise<Document[]> {
  const found: Document[] = []
  for (const [service, categories] of Object.entries(PUBLISHED) as [Database, readonly string[]][]) {
    const { rows } = await house.pool(service).query<{ category: string; guid: string; version: number }>(
      `select split_part(stream_id, '-', 1) as category, substr(stream_id, position('-' in stream_id) + 1) as guid, max(version) as version
       from log.event where split_part(stream_id, '-', 1) = any($1) group by stream_id`,
      [categories],
    )
    found.push(...rows.map((row) => ({ service, ...row })))
  }
  return found
}

/** V4, R08: subjects whose last message is not what its owner says now. Empty when NATS tells the present. */
export async function wrongSubjects(house: House): Promise<string[]> {
  const connection = await house.nats()
  try {
    const manager = await jetstreamManager(connection)
    const owner = await ownerOf(house)
    const wrong: string[] = []
    for (const document of await documents(house)) {
      const subject = changeSubject(document as never, document.guid)
      const stored = await manager.streams.getMessage(jetStreamName(document.service), { last_by_subj: subject })
      const told = stored?.json<ChangeMessage>()
      const actual = await owner(document)
      if (comparable(told) !== comparable(actual) || told?.version !== document.version) wrong.push(subject)
    }
    return wrong
  } finally {
    await connection.close()
  }
}

const comparable = (message: ChangeMessage | undefined): string =>
  JSON.stringify([message?.type, message?.version, message?.revision, message?.state])

/** Asks owners for their documents, as the gateway would. */
async function ownerOf(house: House): Promise<(document: Document) => Promise<ChangeMessage>> {
  const keys = path.join(house.data, 'keys')
  const own = await ServiceKeys.fromFiles(
    'gateway',
    path.join(keys, 'gateway.service-key.json'),
    path.join(keys, 'service-keys.json'),
  )
  const tokens = new ServiceTokens(own)
  return async ({ service, category, guid }) => {
    const headers = { authorization: `Bearer ${await tokens.mint(service)}` }
    const response = await fetch(`${house.instance(service).url}/internal/published/${category}/${guid}`, { headers })
    if (!response.ok) throw new Error(`${service} answers ${response.status} for ${category} ${guid}`)
    return (await response.json()) as ChangeMessage
  }
}

/** V6: documents of which the vault's copy is missing or of another version. */
export async function staleCopies(house: House): Promise<string[]> {
  const { rows } = await house
    .pool('vault')
    .query<{ kind: string; guid: string; version: number }>('select kind, guid, version from model.replica')
  const copies = new Map(rows.map(({ kind, guid, version }) => [`${kind} ${guid}`, version]))
  const kinds = new Set(rows.map(({ kind }) => kind))
  const all = (await documents(house)).filter(({ category }) => kinds.has(category))
  return all
    .filter(({ category, guid, version }) => copies.get(`${category} ${guid}`) !== version)
    .map(({ category, guid }) => `${category} ${guid}`)
}

/** Names that wait to be announced. */
export async function outboxSizes(house: House): Promise<number> {
  let size = 0
  for (const database of DATABASES) {
    const { rows } = await house
      .pool(database)
      .query<{ count: number }>('select count(*)::int as count from log.outbox')
    size += rows[0]?.count ?? 0
  }
  return size
}
