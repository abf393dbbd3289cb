import { Logger } from '@nestjs/common'
import { DomainError, Secret } from '#libs/contracts'
import { sql, type SqlClient } from '#libs/event-sourcing'
import type { KeySource } from './keyring.js'
import { keyVersionOf, open, parsePlace, placeName, rewrap, seal, SafeError, type Place } from './seal.js'

/** The table of the safe, for the vault's first migration; after `logSchema`, whose default privileges give the serving role its rights. */
export const SAFE_SCHEMA_SQL = `
create table record.safe (
  place       text        not null,
  generation  int         not null check (generation >= 0),
  envelope    bytea       not null,
  kek_version bigint      not null,
  sealed_at   timestamptz not null default clock_timestamp(),
  primary key (place, generation)
);
comment on table  record.safe is 'Every secret at rest. What is deleted here is gone: the log has no secrets.';
comment on column record.safe.place is 'Whose secret of which kind: <kind>/<guid>/<part>. Authenticated by the envelope.';
comment on column record.safe.generation is 'Which of several successive secrets of one place. Authenticated by the envelope.';
comment on column record.safe.envelope is 'format, KEK version, wrapped data key, nonce, ciphertext, tag.';
comment on column record.safe.kek_version is 'As in the envelope, so that a count shows when a key may be retired.';
create index safe_kek_version on record.safe (kek_version);
`

/** What one call of `rewrap` has done. */
export interface Rewrapped {
  readonly rewrapped: number
  /** Secrets that do not open and stay as they are; the log names their places. */
  readonly damaged: number
  /** Secrets that do not open and are no more; the log names their places. */
  readonly deleted: number
  /** Where to go on; `undefined` at the end. */
  readonly next: SafeRow | undefined
}

/** A row of the safe. */
export interface SafeRow {
  readonly place: string
  readonly generation: number
}

/**
 * The vault's secrets at rest. Table: `safe(place, generation, envelope, kek_version, sealed_at)`. Give `put` and
 * `destroy` the client of an append (`record` of `Streams.handle`), so that facts and secrets change together.
 */
export class Safe {
  readonly #logger = new Logger(Safe.name)

  constructor(private readonly keys: KeySource) {}

  /**
   * Seals a secret into its place; the same place and generation is overwritten, so a repeat does no harm.
   * @throws DomainError `safe.key_retired` when the key has been retired and this process has not heard of it
   */
  async put(client: SqlClient, place: Place, generation: number, secret: Secret): Promise<void> {
    const { active } = this.keys
    if (!this.keys.key(active)) await this.keys.find?.(active)
    const envelope = seal(this.keys, place, generation, secret.reveal())
    const { rowCount } = await client.query(sql`
      insert into safe (place, generation, envelope, kek_version)
      select ${placeName(place)}, ${generation}, ${envelope}, ${keyVersionOf(envelope)}
      where not exists (
        select from safe_key where version = ${keyVersionOf(envelope)} and retired_at is not null)
      on conflict (place, generation) do update
      set envelope = excluded.envelope, kek_version = excluded.kek_version, sealed_at = clock_timestamp()`)
    if (rowCount) return
    // Whatever is wrong with the keys here: readiness says it.
    await this.keys.find?.(active).catch(() => undefined)
    throw keyRetired()
  }

  /**
   * Part of what must be known before something is begun that ends with a secret which nobody can make again.
   * @throws DomainError `safe.key_missing` or `safe.key_retired` when nothing can be sealed now
   */
  async mustSeal(client: SqlClient): Promise<void> {
    for (const isLast of [false, true]) {
      const { active } = this.keys
      if (!this.keys.key(active)) await this.keys.find?.(active)
      if (!this.keys.key(active)) throw new SafeError('safe.key_missing')
      const { rowCount } = await client.query(sql`
        select from safe_key where version = ${active} and retired_at is not null`)
      if (!rowCount) return
      if (isLast) throw keyRetired()
      await this.keys.find?.(active).catch(() => undefined)
    }
  }

  /**
   * Reads and opens a secret that must be there.
   * @throws SafeError when there is none, or it does not open
   */
  async open(client: SqlClient, place: Place, generation: number): Promise<Secret> {
    const secret = await this.find(client, place, generation)
    if (!secret) throw new SafeError('safe.missing')
    return secret
  }

  /**
   * Reads and opens a secret; `undefined` when there is none.
   * @throws SafeError when there is one that does not open, for good (`isTampered`) or until its key is back
   */
  async find(client: SqlClient, place: Place, generation: number): Promise<Secret | undefined> {
    const { rows } = await client.query<{ envelope: Buffer }>(sql`
      select envelope from safe where place = ${placeName(place)} and generation = ${generation}`)
    const [row] = rows
    return row && (await this.openEnvelope(row.envelope, place, generation))
  }

  /**
   * Opens an envelope that the caller's own query has brought along: some 20 µs, and nobody is asked unless the key is
   * missing here, as after a rotation by another process.
   * @throws SafeError
   */
  async openEnvelope(envelope: Buffer, place: Place, generation: number): Promise<Secret> {
    try {
      const version = keyVersionOf(envelope)
      const known = this.keys.key(version) !== undefined || ((await this.keys.find?.(version)) ?? true)
      // No key has ever had this version, so nothing was sealed with it.
      if (!known) throw new SafeError('safe.tampered')
      return new Secret(open(this.keys, place, generation, envelope))
    } catch (error) {
      if (error instanceof SafeError) this.#tell(error, placeName(place), generation)
      throw error
    }
  }

  /**
   * Destroys every generation of a place, or only those below `before`.
   * @returns how many there were
   */
  async destroy(client: SqlClient, place: Place, { before }: { before?: number } = {}): Promise<number> {
    const { rowCount } = await client.query(sql`
      delete from safe
      where place = ${placeName(place)} and (${before ?? null}::int is null or generation < ${before ?? null}::int)`)
    return rowCount ?? 0
  }

  /**
   * Brings secrets under the active key without opening them: only their data keys are wrapped anew.
   * @param after where the former call stopped
   * @param limit rows at once
   * @param deleteDamaged destroys those that do not open with the key that they name
   * @throws SafeError `safe.key_missing` when a row's key has been retired too early
   */
  async rewrap(
    client: SqlClient,
    { after, limit = 500, deleteDamaged = false }: { after?: SafeRow; limit?: number; deleteDamaged?: boolean } = {},
  ): Promise<Rewrapped> {
    const { active } = this.keys
    const { rows } = await client.query<SafeRow & { envelope: Buffer }>(sql`
      select place, generation, envelope from safe
      where kek_version <> ${active} and (place, generation) > (${after?.place ?? ''}, ${after?.generation ?? 0}::int)
      order by place, generation limit ${limit}`)
    const done: (SafeRow & { former: Buffer; envelope: Buffer })[] = []
    const damaged: (SafeRow & { former: Buffer })[] = []
    for (const { place, generation, envelope: former } of rows) {
      try {
        done.push({ place, generation, former, envelope: rewrap(this.keys, parsePlace(place), generation, former) })
      } catch (error) {
        if (!(error instanceof SafeError)) throw error
        this.#tell(error, place, generation)
        if (error.fault !== 'safe.tampered') throw error
        damaged.push({ place, generation, former })
      }
    }
    // Comparing the envelope leaves alone what was replaced meanwhile, and no row stays locked.
    const { rowCount } = await client.query(sql`
      update safe set envelope = given.envelope, kek_version = ${active}
      from unnest(${done.map(({ place }) => place)}::text[], ${done.map(({ generation }) => generation)}::int[],
        ${done.map(({ former }) => former)}::bytea[], ${done.map(({ envelope }) => envelope)}::bytea[])
        as given(place, generation, former, envelope)
      where safe.place = given.place and safe.generation = given.generation and safe.envelope = given.former`)
    const last = rows.at(-1)
    const next = rows.length === limit && last ? { place: last.place, generation: last.generation } : undefined
    const deleted = deleteDamaged ? await this.#delete(client, damaged) : 0
    return { rewrapped: rowCount ?? 0, damaged: damaged.length - deleted, deleted, next }
  }

  /** Unless they have been replaced meanwhile. */
  async #delete(client: SqlClient, rows: readonly (SafeRow & { former: Buffer })[]): Promise<number> {
    const { rowCount } = await client.query(sql`
      delete from safe
      using unnest(${rows.map(({ place }) => place)}::text[], ${rows.map(({ generation }) => generation)}::int[],
        ${rows.map(({ former }) => former)}::bytea[]) as given(place, generation, former)
      where safe.place = given.place and safe.generation = given.generation and safe.envelope = given.former`)
    if (rowCount) this.#logger.warn({ count: rowCount }, 'secrets that do not open are deleted')
    return rowCount ?? 0
  }

  /** How many secrets are not yet under the active key. */
  async outdated(client: SqlClient): Promise<number> {
    const { rows } = await client.query<{ count: number }>(sql`
      select count(*)::int as count from safe where kek_version <> ${this.keys.active}`)
    return rows[0]?.count ?? 0
  }

  #tell({ fault }: SafeError, place: string, generation: number): void {
    this.#logger.error({ security: fault, place, generation }, 'a secret of the safe does not open')
  }
}

const keyRetired = (): DomainError =>
  new DomainError('unavailable', 'safe.key_retired', 'the keys have just changed; try again')
