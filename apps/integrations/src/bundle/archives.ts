import { randomUUID } from 'node:crypto'
import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common'
import { Pool } from 'pg'
import { DomainError } from '#libs/contracts'
import { sql, type SqlClient } from '#libs/event-sourcing'

/** An upload that has not been completed for this long never will be: its client has had half of that. */
const ABANDONED = '1 hour'

/**
 * What was uploaded, byte for byte, in parts of about a megabyte: in the database, where every replica finds it and a
 * crash leaves nothing half done. Nothing is held open between the parts.
 */
@Injectable()
export class Archives implements OnApplicationBootstrap {
  readonly #logger = new Logger(Archives.name)

  constructor(private readonly pool: Pool) {}

  /** There may never be another upload. */
  async onApplicationBootstrap(): Promise<void> {
    await this.#forgetAbandoned().catch((error: unknown) =>
      this.#logger.warn({ err: error }, 'uploads that were left alone are removed at the next one'),
    )
  }

  /** Begins an archive that nobody sees yet, and forgets those that were left alone. */
  async begin(contentGuid: string): Promise<string> {
    const guid = randomUUID()
    await this.#forgetAbandoned()
    await this.pool.query(sql`insert into archive (guid, content_guid) values (${guid}, ${contentGuid})`)
    return guid
  }

  /** @returns false when the archive is gone, with its content */
  async add(guid: string, index: number, data: Buffer): Promise<boolean> {
    const { rowCount } = await this.pool.query(sql`
      insert into archive_part (archive_guid, index, data)
      select guid, ${index}, ${data}::bytea from archive where guid = ${guid}`)
    return rowCount === 1
  }

  /**
   * Makes it the archive of a bundle, inside the append that makes the bundle.
   * @throws DomainError `request.body_too_slow` when it has been taken for abandoned meanwhile
   */
  async complete(client: SqlClient, guid: string, bundleGuid: string): Promise<void> {
    const { rowCount } = await client.query(sql`update archive set bundle_guid = ${bundleGuid} where guid = ${guid}`)
    if (rowCount !== 1) throw new DomainError('invalid', 'request.body_too_slow', 'The upload took too long.')
  }

  async discard(guid: string): Promise<void> {
    await this.pool.query(sql`delete from archive where guid = ${guid} and bundle_guid is null`)
  }

  async removeOfBundle(client: SqlClient, bundleGuid: string): Promise<void> {
    await client.query(sql`delete from archive where bundle_guid = ${bundleGuid}`)
  }

  async #forgetAbandoned(): Promise<void> {
    await this.pool.query(sql`
      delete from archive where bundle_guid is null and begun_at < clock_timestamp() - ${ABANDONED}::interval`)
  }

  /** The parts in order, one at a time. */
  async *read(bundleGuid: string): AsyncGenerator<Buffer, void> {
    for (let index = 0; ; index++) {
      const { rows } = await this.pool.query<{ data: Buffer }>(sql`
        select data from archive join archive_part on archive_guid = guid
        where bundle_guid = ${bundleGuid} and index = ${index}`)
      if (!rows[0]) return
      yield rows[0].data
    }
  }
}

/** What was uploaded to an item goes with it, in the append that deletes the item. */
export async function removeArchivesOf(client: SqlClient, contentGuid: string): Promise<void> {
  await client.query(sql`delete from archive where content_guid = ${contentGuid}`)
}
