const identifier = /^[a-z_]+$/

/**
 * The log's tables, for the first migration of a service. Three schemas: `log` cannot be rebuilt, `record` holds what
 * the log does not contain, `model` is everything that a replay can make.
 * @param role the database role that serves; it may add to the log and read it, and nothing else
 */
export function logSchema(role: string): string {
  if (!identifier.test(role)) throw new Error(`not a role: ${role}`)
  return `
create schema log;
create schema record;
create schema model;

create table log.event (
  position       bigint generated always as identity primary key,
  tx             xid8        not null default pg_current_xact_id(),
  stream_id      text        not null,
  version        int         not null check (version > 0),
  type           text        not null,
  schema_version smallint    not null,
  data           text        not null,
  meta           text        not null,
  command_id     uuid        not null,
  recorded_at    timestamptz not null default clock_timestamp(),
  hash           bytea       not null check (length(hash) = 32),
  constraint event_stream_id_version_key unique (stream_id, version)
);
create index event_stream_id_command_id on log.event (stream_id, command_id);
create index event_tx_position on log.event (tx, position);
comment on table log.event is 'Facts. Insert and select only.';
comment on column log.event.tx is 'The writing transaction: readers of the whole log stay below the oldest one in flight.';
comment on column log.event.data is 'JSON as written; text, because jsonb rewrites bytes.';
comment on column log.event.hash is 'SHA-256 over the previous hash of the stream and this event''s exact bytes.';

create table log.outbox (
  stream_id   text        primary key,
  version     int         not null,
  enqueued_at timestamptz not null default clock_timestamp(),
  priority    smallint    not null default 0
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
comment on table log.outbox is 'Names of streams whose new state has not been announced yet.';
comment on column log.outbox.enqueued_at is 'Since when: kept while newer versions join.';
comment on column log.outbox.priority is '0 changes, 1 repairs: repairs go last.';

create table log.announced (
  stream_id text   primary key,
  version   int    not null,
  sequence  bigint not null
);
comment on table log.announced is 'The last message of each subject, as its publisher knows it.';

create table log.broker (
  one       boolean primary key default true check (one),
  created   text    not null,
  sequence  bigint  not null,
  revisions json    not null default '{}'
);
comment on table log.broker is 'Which JetStream stream the publisher spoke to, and how far: to notice a wiped or restored one.';
comment on column log.broker.revisions is 'By category, the revision of the contract in which everything has been published.';

create table record.reserved (
  kind   text not null,
  value  text not null,
  holder uuid not null,
  primary key (kind, value)
);
create index reserved_holder on record.reserved (holder);
comment on table record.reserved is 'What must be unique across streams; written in the append that makes it so.';

grant select on public.migrations to ${role};
grant usage on schema log, record, model to ${role};
grant select, insert, update, delete on record.reserved to ${role};
grant select, insert on log.event to ${role};
grant select, insert, update, delete on log.outbox, log.announced, log.broker to ${role};
alter default privileges in schema record, model grant select, insert, update, delete on tables to ${role};
alter default privileges in schema record, model grant usage on sequences to ${role};
`
}
