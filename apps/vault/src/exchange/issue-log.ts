import { randomUUID } from 'node:crypto'
import { Pool } from 'pg'
import { DomainError, type Actor, type Role } from '#libs/contracts'
import { eventHash, NO_STREAM, sql, type StreamEnd } from '#libs/event-sourcing'
import { InGroups } from './in-groups.js'

const SCHEMA_VERSION = 1

/** What stands in the log about a token that was handed out; of the token itself, nothing. Append-only, as events are. */
export type IssueEvent =
  | { readonly type: 'TokenIssued'; readonly data: TokenIssued }
  | { readonly type: 'VisitorKeyIssued'; readonly data: VisitorKeyIssued }
  | { readonly type: 'ServiceTokenIssued'; readonly data: ServiceTokenIssued }
  | { readonly type: 'CredentialsIssued'; readonly data: CredentialsIssued }

/** A viewer's. */
export interface TokenIssued {
  readonly userGuid: string
  readonly contentGuid: string
  readonly integrationGuid: string
  readonly grantGuid: string
  readonly generation: number
  /** RFC 3339; `null` when the provider did not say. */
  readonly expiresAt: string | null
}

/** A key of a viewer for this server. */
export interface VisitorKeyIssued {
  readonly userGuid: string
  readonly contentGuid: string
  readonly integrationGuid: string
  readonly role: Role
}

/** A service account's, which is nobody's. */
export interface ServiceTokenIssued {
  /** Whose key it was asked for with. */
  readonly userGuid: string
  readonly contentGuid: string
  readonly integrationGuid: string
  /** 0: it was never kept. */
  readonly generation: number
  /** RFC 3339; `null` when the provider did not say. */
  readonly expiresAt: string | null
}

/** Temporary credentials that an ID token was traded for: a viewer's, or the content's own. */
export interface CredentialsIssued {
  /** The viewer, or whose key it was asked for with. */
  readonly userGuid: string
  readonly contentGuid: string
  readonly integrationGuid: string
  /** `null`: the content's own. */
  readonly grantGuid: string | null
  /** Under which name the service that gave them knows the session. */
  readonly sessionName: string
  /** RFC 3339. */
  readonly expiresAt: string
}

interface Entry {
  readonly type: string
  readonly data: string
  readonly meta: string
  readonly commandId: string
}

/**
 * The audit of handed out tokens, table `issue`. Rows are committed by group. Each writer has a stream of its own, so that
 * the hash chain costs no version conflict.
 */
export class IssueLog {
  readonly #groups = new InGroups<Entry, void>((group) => this.#write(group))
  #stream: string
  #end: StreamEnd = NO_STREAM

  /** @param instance the process' name */
  constructor(
    private readonly pool: Pick<Pool, 'query'>,
    private readonly instance: string,
    private readonly now: () => Date = () => new Date(),
  ) {
    this.#stream = this.#newStream()
  }

  /**
   * Resolves when the row is durable.
   * @throws DomainError `exchange.unavailable` when it is not, or nobody knows
   */
  record({ type, data }: IssueEvent, actor: Actor, correlationId?: string): Promise<void> {
    const commandId = randomUUID()
    const meta = { actor, at: this.now().toISOString(), command_id: commandId, correlation_id: correlationId }
    return this.#groups.add({ type, data: JSON.stringify(data), meta: JSON.stringify(meta), commandId })
  }

  async #write(group: readonly Entry[]): Promise<[]> {
    try {
      await this.#insert(group)
      return []
    } catch (cause) {
      // The rows may be there all the same: a chain that went on from here could fork.
      this.#stream = this.#newStream()
      this.#end = NO_STREAM
      throw new DomainError('unavailable', 'exchange.unavailable', 'This is temporarily unavailable; try again.', {
        cause,
        payload: { oauth_error: 'temporarily_unavailable' },
      })
    }
  }

  async #insert(group: readonly Entry[]): Promise<void> {
    const streamId = this.#stream
    let { version, hash } = this.#end
    const rows = group.map(({ type, data, meta, commandId }) => {
      version++
      hash = eventHash(hash, { streamId, version, type, schemaVersion: SCHEMA_VERSION, data, meta })
      return { version, type, data, meta, commandId, hash }
    })
    await this.pool.query(sql`
      insert into issue (stream_id, version, type, schema_version, data, meta, command_id, hash)
      select ${streamId}, version, type, ${SCHEMA_VERSION}, data, meta, command_id, hash
      from unnest(
        ${rows.map((row) => row.version)}::int[],
        ${rows.map((row) => row.type)}::text[],
        ${rows.map((row) => row.data)}::text[],
        ${rows.map((row) => row.meta)}::text[],
        ${rows.map((row) => row.commandId)}::uuid[],
        ${rows.map((row) => row.hash)}::bytea[]
      ) as new (version, type, data, meta, command_id, hash)
      order by version`)
    this.#end = { version, hash }
  }

  #newStream(): string {
    return `issue-${this.instance}-${this.now().toISOString()}-${randomUUID().slice(0, 8)}`
  }
}
