import type { MigrationInterface, QueryRunner } from 'typeorm'
import { logSchema } from '#libs/event-sourcing'
import { REPLICA_SCHEMA_SQL } from '#libs/messaging'
import { SAFE_SCHEMA_SQL } from '../safe/index.js'

/** Months that have a partition of their own from the start; later ones fall into the default partition. */
const MONTHS = 12

export class CreateVault1795300000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(logSchema('vault'))
    await runner.query(SAFE_SCHEMA_SQL)
    await runner.query(REPLICA_SCHEMA_SQL)
    await runner.query(`
create table log.issue (
  position       bigint generated always as identity,
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
  primary key (position, recorded_at)
) partition by range (recorded_at);
comment on table log.issue is 'Every token that was handed out: columns and hash rule of event, one stream a writer. Insert and select only.';
create table log.issue_later partition of log.issue default;
do $months$
declare month timestamptz := date_trunc('month', now(), 'UTC');
begin
  for _ in 1..${MONTHS} loop
    execute format('create table log.%I partition of log.issue for values from (%L) to (%L)',
      'issue_' || to_char(month at time zone 'UTC', 'YYYY_MM'), month, date_add(month, '1 month', 'UTC'));
    month := date_add(month, '1 month', 'UTC');
  end loop;
end $months$;
grant select, insert on log.issue to vault;

create table model.oauth_grant (
  guid              uuid        primary key,
  position          bigint      not null unique,
  user_guid         uuid        not null,
  integration_guid  uuid        not null,
  status            text        not null check (status in ('usable', 'consent_required', 'revoked')),
  generation        int         not null,
  expires_at        timestamptz,
  scope             text,
  has_refresh_token boolean     not null,
  lease_attempt     uuid,
  lease_until       timestamptz,
  failed_attempt    uuid,
  failure_fate      text,
  failure_error     text,
  failed_at         timestamptz,
  obtained_at       timestamptz not null,
  changed_at        timestamptz not null,
  unique (user_guid, integration_guid)
);
create index oauth_grant_integration_guid_user_guid on model.oauth_grant (integration_guid, user_guid);
comment on table model.oauth_grant is 'A viewer''s authorization at one provider. Tokens are in the safe, under the generation.';
comment on column model.oauth_grant.position is 'Of the event that first obtained it: the API''s numeric id.';
comment on column model.oauth_grant.expires_at is 'Of the access token, by this database''s clock; null when the provider did not say.';
comment on column model.oauth_grant.lease_until is 'Until then only lease_attempt may refresh.';
comment on column model.oauth_grant.failed_attempt is 'The last attempt, if it failed; null after a success.';

create table record.consent_request (
  guid                uuid        primary key,
  state_hash          bytea       not null unique check (length(state_hash) = 32),
  sid                 text        not null,
  user_guid           uuid        not null,
  integration_guid    uuid        not null,
  integration_version int         not null,
  return_to           text        not null,
  created_at          timestamptz not null default clock_timestamp(),
  expires_at          timestamptz not null
);
create index consent_request_sid on record.consent_request (sid, created_at);
create index consent_request_expires_at on record.consent_request (expires_at);
comment on table record.consent_request is 'Browsers that have been sent to a provider and are not back yet. Hashes only; the code verifier is in the safe.';
comment on column record.consent_request.sid is 'The browser session that may come back.';
comment on column record.consent_request.integration_version is 'A provider whose settings have changed meanwhile is not answered.';

create table record.todo (
  kind        text        not null,
  key         text        not null,
  data        json        not null,
  enqueued_at timestamptz not null default clock_timestamp(),
  primary key (kind, key)
);
comment on table record.todo is 'What has to follow from something that has happened, done later and with retries.';
`)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
