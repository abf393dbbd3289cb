import { Secret } from '#libs/contracts'
import { sql, type SqlClient } from '#libs/event-sourcing'
import type { KeySource } from './keyring.js'
import { open, parsePlace, placeName, rewrap, seal, SafeError, type Place } from './seal.js'

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

/**
 * The vault's secrets at rest. Table: `safe(place, generation, envelope, kek_version, sealed_at)`. Give `put` and
 * `destroy` the client of an append (`record` of `Streams.handle`), so that facts and secrets change together.
 */
export class Safe {
  constructor(private readonly keys: KeySource) {}

  /** Seals a secret into its place; the same place and generation is overwritten, so a repeat does no harm. */
  async put(client: SqlClient, place: Place, generation: number, secret: Secret): Promise<void> {
    const envelope = seal(this.keys, place, generation, secret.reveal())
    await client.query(sql`
      insert into safe (place, generation, envelope, kek_version)
      values (${placeName(place)}, ${generation}, ${envelope}, ${this.keys.active})
      on conflict (place, generation) do update
      set envelope = excluded.envelope, kek_version = excluded.kek_version, sealed_at = clock_timestamp()`)
  }

  /**
   * Reads and opens a secret.
   * @throws SafeError when there is none, or it does not open
   */
  async open(client: SqlClient, place: Place, generation: number): Promise<Secret> {
    const { rows } = await client.query<{ envelope: Buffer }>(sql`
      select envelope from safe where place = ${placeName(place)} and generation = ${generation}`)
    const [row] = rows
    if (!row) throw new SafeError()
    return this.openEnvelope(row.envelope, place, generation)
  }

  /**
   * Opens an envelope that the caller's own query has brought along; synchronous, some 20 µs.
   * @throws SafeError
   */
  openEnvelope(envelope: Buffer, place: Place, generation: number): Secret {
    return new Secret(open(this.keys, place, generation, envelope))
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
   * Brings secrets under the active key without opening them; call until it returns 0.
   * @param limit rows at once
   * @returns how many were rewrapped
   * @throws SafeError when a row's key has been retired too early, or a row has been tampered with
   */
  async rewrap(client: SqlClient, limit = 500): Promise<number> {
    const { active } = this.keys
    const { rows } = await client.query<{ place: string; generation: number; envelope: Buffer }>(sql`
      select place, generation, envelope from safe where kek_version <> ${active}
      order by place, generation limit ${limit}`)
    let count = 0
    for (const { place, generation, envelope } of rows) {
      const rewrapped = rewrap(this.keys, parsePlace(place), generation, envelope)
      // Comparing the envelope leaves alone what was replaced meanwhile, and no row stays locked.
      const { rowCount } = await client.query(sql`
        update safe set envelope = ${rewrapped}, kek_version = ${active}
        where place = ${place} and generation = ${generation} and envelope = ${envelope}`)
      count += rowCount ?? 0
    }
    return count
  }

  /** How many secrets each key version still holds: a version that is not here may be retired. */
  async versionsInUse(client: SqlClient): Promise<Map<number, number>> {
    const { rows } = await client.query<{ kek_version: string; count: number }>(sql`
      select kek_version, count(*)::int as count from safe group by kek_version order by kek_version`)
    return new Map(rows.map(({ kek_version, count }) => [Number(kek_version), count]))
  }
}
