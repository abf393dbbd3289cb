import type { ChangeContract } from '#libs/contracts'
import { transaction } from '#libs/event-sourcing'
import type { Pool, PoolClient } from 'pg'

/** What a replica holds of one thing. */
export interface Held<State> {
  readonly version: number
  readonly revision: number
  /** `null`: deleted. It stays, so that a late message cannot bring the thing back. */
  readonly state: State | null
}

export interface Change<State> extends Held<State> {
  readonly guid: string
}

/** A change that took effect. */
export interface Applied<State> {
  readonly guid: string
  /** `undefined`: not known before. */
  readonly before: State | null | undefined
  readonly after: State | null
  readonly version: number
}

/**
 * What follows from changes. For a table replica it runs in the applying transaction, on `client`, so that a reaction is
 * written down together with its reason; for one in memory right after the change, without a client.
 */
export type OnApplied<State> = (changes: readonly Applied<State>[], client?: PoolClient) => void | Promise<void>

/** Where a replica keeps its documents. Every store applies a change only if its (version, revision) is not lower. */
export interface ReplicaStore<State> {
  apply(changes: readonly Change<State>[], onApplied: OnApplied<State> | undefined): Promise<void>
  find(guid: string): Promise<Held<State> | undefined>
}

export const isLower = (
  a: { readonly version: number; readonly revision: number },
  b: { readonly version: number; readonly revision: number },
): boolean => a.version < b.version || (a.version === b.version && a.revision < b.revision)

/** A repeat: with the whole state in each message they are harmless, frequent after a reconnection, and no change. */
const isSame = (a: Held<unknown>, b: Held<unknown>): boolean =>
  a.version === b.version && a.revision === b.revision && JSON.stringify(a.state) === JSON.stringify(b.state)

/** Documents in this process' memory: for a process without a database, and for tests. */
export class MemoryReplica<State> implements ReplicaStore<State> {
  readonly #documents = new Map<string, Held<State>>()

  /** What is here, as it is: fresh or not, confirmed or not. */
  peek(guid: string): Held<State> | undefined {
    return this.#documents.get(guid)
  }

  /** Everything that is here and not deleted. */
  *states(): Generator<State> {
    for (const { state } of this.#documents.values()) if (state !== null) yield state
  }

  find(guid: string): Promise<Held<State> | undefined> {
    return Promise.resolve(this.#documents.get(guid))
  }

  async apply(changes: readonly Change<State>[], onApplied: OnApplied<State> | undefined): Promise<void> {
    const applied: { change: Held<State>; former: Held<State> | undefined; told: Applied<State> }[] = []
    for (const { guid, version, revision, state } of changes) {
      const change = { version, revision, state }
      const former = this.#documents.get(guid)
      if (former && (isLower(change, former) || isSame(change, former))) continue
      this.#documents.set(guid, change)
      applied.push({ change, former, told: { guid, before: former?.state, after: state, version } })
    }
    if (applied.length === 0) return
    try {
      await onApplied?.(applied.map(({ told }) => told))
    } catch (error) {
      // As a transaction would: so that the change is a change again when it is tried again.
      for (const { change, former, told } of applied.reverse()) {
        if (this.#documents.get(told.guid) !== change) continue
        if (former) this.#documents.set(told.guid, former)
        else this.#documents.delete(told.guid)
      }
      throw error
    }
  }
}

/** One table for all kinds of copies; part of a service's `model` migration. */
export const REPLICA_SCHEMA_SQL = `
create table model.replica (
  kind     text not null,
  guid     uuid not null,
  version  int  not null,
  revision int  not null,
  state    json,
  primary key (kind, guid)
);
comment on table model.replica is 'Copies of what other services publish. Written by change messages only.';
comment on column model.replica.state is 'The public state as published; null once deleted, so that a late message cannot bring it back.';
`

const UPSERT = `
  insert into replica as held (kind, guid, version, revision, state)
  select $1, new.guid, new.version, new.revision, new.state::json
  from unnest($2::uuid[], $3::int[], $4::int[], $5::text[]) as new (guid, version, revision, state)
  order by new.guid
  on conflict (kind, guid) do update
  set version = excluded.version, revision = excluded.revision, state = excluded.state
  where (held.version, held.revision) < (excluded.version, excluded.revision)
     or ((held.version, held.revision) = (excluded.version, excluded.revision)
         and held.state::text is distinct from excluded.state::text)
  returning guid`

/** Documents in the table `replica` of a service's database, shared by its processes. */
export class TableReplica<State> implements ReplicaStore<State> {
  /** @param pool the serving role's; its search path finds the table */
  constructor(
    private readonly contract: ChangeContract<State>,
    private readonly pool: Pool,
  ) {}

  async find(guid: string): Promise<Held<State> | undefined> {
    const { rows } = await this.pool.query<Held<State>>({
      name: 'replica find',
      text: 'select version, revision, state from replica where kind = $1 and guid = $2',
      values: [this.contract.category, guid],
    })
    return rows[0]
  }

  async apply(changes: readonly Change<State>[], onApplied: OnApplied<State> | undefined): Promise<void> {
    const newest = newestOfEach(changes)
    if (newest.length === 0) return
    if (!onApplied) {
      await this.pool.query({ name: 'replica apply', text: UPSERT, values: this.#values(newest) })
      return
    }
    await transaction(this.pool, (client) => this.#applyWithin(client, newest, onApplied))
  }

  async #applyWithin(client: PoolClient, changes: Change<State>[], onApplied: OnApplied<State>): Promise<void> {
    const values = this.#values(changes)
    const { rows: held } = await client.query<{ guid: string; state: State | null }>({
      name: 'replica before',
      text: 'select guid, state from replica where kind = $1 and guid = any($2::uuid[]) order by guid for update',
      values: values.slice(0, 2),
    })
    const { rows } = await client.query<{ guid: string }>({ name: 'replica apply', text: UPSERT, values })
    if (rows.length === 0) return
    const before = new Map(held.map(({ guid, state }) => [guid, state]))
    const after = new Map(changes.map((change) => [change.guid, change]))
    const applied = rows.flatMap(({ guid }) => {
      const change = after.get(guid)
      return change ? [{ guid, before: before.get(guid), after: change.state, version: change.version }] : []
    })
    await onApplied(applied, client)
  }

  #values(changes: readonly Change<State>[]): unknown[] {
    return [
      this.contract.category,
      changes.map(({ guid }) => guid),
      changes.map(({ version }) => version),
      changes.map(({ revision }) => revision),
      changes.map(({ state }) => (state === null ? null : JSON.stringify(state))),
    ]
  }
}

/** One change for each thing, since one statement can touch a row only once; in the order of guids, against deadlocks. */
function newestOfEach<State>(changes: readonly Change<State>[]): Change<State>[] {
  const newest = new Map<string, Change<State>>()
  for (const change of changes) {
    const other = newest.get(change.guid)
    if (!other || !isLower(change, other)) newest.set(change.guid, change)
  }
  return [...newest.values()].sort((a, b) => (a.guid < b.guid ? -1 : 1))
}
