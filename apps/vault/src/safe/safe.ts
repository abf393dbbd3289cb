import { Secret } from '#libs/contracts'
import type { KeySource } from './keyring.js'
import { open, placeName, rewrap, seal, SafeError, type Place } from './seal.js'

/** A pg pool or client. Give `put` and `destroy` the append's client, so that facts and secrets change together. */
export interface SqlQueries {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[]; rowCount: number | null }>
}

/** The table of the safe, for the vault's first migration; after the schemas, run as the owner. */
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
grant select, insert, update, delete on record.safe to vault;
`

/** The vault's secrets at rest. Table: `safe(place, generation, envelope, kek_version, sealed_at)`. */
export class Safe {
  constructor(private readonly keys: KeySource) {}

  /** Seals a secret into its place; the same place and generation is overwritten, so a repeat does no harm. */
  async put(sql: SqlQueries, place: Place, generation: number, secret: Secret): Promise<void> {
    const envelope = seal(this.keys, place, generation, secret.reveal())
    await sql.query(
      `insert into safe (place, generation, envelope, kek_version) values ($1, $2, $3, $4)
       on conflict (place, generation) do update
       set envelope = excluded.envelope, kek_version = excluded.kek_version, sealed_at = clock_timestamp()`,
      [placeName(place), generation, envelope, this.keys.active],
    )
  }

  /**
   * Reads and opens a secret.
   * @throws SafeError when there is none, or it does not open
   */
  async open(sql: SqlQueries, place: Place, generation: number): Promise<Secret> {
    const { rows } = await sql.query('select envelope from safe where place = $1 and generation = $2', [
      placeName(place),
      generation,
    ])
    const [row] = rows as { envelope: Buffer }[]
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
   * Destroys every generation of a place, or those below `before`.
   * @returns how many there were
   */
  async destroy(sql: SqlQueries, place: Place, { before }: { before?: number } = {}): Promise<number> {
    const { rowCount } = await sql.query(
      'delete from safe where place = $1 and ($2::int is null or generation < $2::int)',
      [placeName(place), before ?? null],
    )
    return rowCount ?? 0
  }

  /**
   * Brings secrets under the active key without opening them; call until it returns 0.
   * @param limit rows at once
   * @returns how many were rewrapped
   * @throws SafeError when a row's key has been retired too early or the row has been tampered with
   */
  async rewrap(sql: SqlQueries, limit = 500): Promise<number> {
    const { rows } = await sql.query(
      'select place, generation, envelope from safe where kek_version <> $1 order by place, generation limit $2',
      [this.keys.active, limit],
    )
    let count = 0
    for (const { place, generation, envelope } of rows as { place: string; generation: number; envelope: Buffer }[]) {
      // Comparing the envelope leaves alone what a refresh has replaced meanwhile; no row is locked for long.
      const { rowCount } = await sql.query(
        `update safe set envelope = $3, kek_version = $4 where place = $1 and generation = $2 and envelope = $5`,
        [
          place,
          generation,
          rewrap(this.keys, place.split('/') as [string, ...string[]], generation, envelope),
          this.keys.active,
          envelope,
        ],
      )
      count += rowCount ?? 0
    }
    return count
  }

  /** How many secrets each key version still holds: a version that is not here may be retired. */
  async versionsInUse(sql: SqlQueries): Promise<Map<number, number>> {
    const { rows } = await sql.query('select kek_version, count(*)::int as count from safe group by kek_version')
    return new Map(
      (rows as { kek_version: string; count: number }[]).map((row) => [Number(row.kek_version), row.count]),
    )
  }
}
