import { DomainError, type ChangeContract, type ChangeMessage } from '#libs/contracts'
import type { SqlClient } from '#libs/event-sourcing'

export interface PublishedDocument<State> {
  /** The stream's version. */
  readonly version: number
  /** `null` when the thing is gone. */
  readonly state: State | null
}

/** Private rows to public state: what a service tells the others about one kind of thing. */
export interface PublishedSource<State = unknown> {
  readonly contract: ChangeContract<State>
  /** Reads version and state in ONE statement, so that they are of one moment. `undefined`: there never was such a thing. */
  read(database: SqlClient, guid: string): Promise<PublishedDocument<State> | undefined>
}

/**
 * A source whose state is one `select` on rows of its own stream, `$1` being the guid: columns are the state's members
 * under their public names; no row means that the thing is gone. The version is the log's, read in the same statement.
 * @param toState for what SQL cannot say; JSON of the row by default
 */
export function publishedSource<State extends object, Row = State>(
  contract: ChangeContract<State>,
  select: string,
  toState: (row: Row) => State = (row) => row as unknown as State,
): PublishedSource<State> {
  const text = `
    select log.version, to_json(document) as state
    from (select max(version) as version from event where stream_id = '${contract.category}-' || $1::uuid) as log
    left join (${select}) as document on true`
  const name = `published ${contract.category}`
  return {
    contract,
    async read(database, guid) {
      const { rows } = await database.query<{ version: number | null; state: Row | null }>({
        name,
        text,
        values: [guid],
      })
      const row = rows[0]
      if (!row?.version) return undefined
      return { version: row.version, state: row.state && toState(row.state) }
    },
  }
}

/** The message that announces a document. */
export function changeMessage<State>(
  contract: ChangeContract<State>,
  { version, state }: PublishedDocument<State>,
  cause: readonly string[] = [],
): ChangeMessage<State> {
  return { type: contract.type, schema_version: 1, revision: contract.revision, version, cause, state }
}

/**
 * Answers a reader whose copy is old or misses something: behind `GET /internal/published/:category/:guid`.
 * @throws DomainError `object.not_found` for a category that is not published, or a thing that never was
 */
export async function readPublished(
  sources: readonly PublishedSource[],
  database: SqlClient,
  category: string,
  guid: string,
): Promise<ChangeMessage> {
  const source = sources.find(({ contract }) => contract.category === category)
  const document = await source?.read(database, guid)
  if (!source || !document) throw new DomainError('not_found', 'object.not_found', 'there is no such document')
  return changeMessage(source.contract, document)
}
