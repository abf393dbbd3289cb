import type { MigrationInterface, QueryRunner } from 'typeorm'
import { logSchema } from '#libs/event-sourcing'

export class CreateIdentity1795305600000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(logSchema('identity'))
    await runner.query(`
      create table model.person (
        guid            uuid        primary key,
        position        bigint      not null unique,
        role            text        not null check (role in ('viewer', 'publisher', 'administrator')),
        locked          boolean     not null,
        profile_version int         not null,
        created_at      timestamptz not null,
        updated_at      timestamptz not null,
        active_at       timestamptz
      );
      comment on table model.person is 'What each person may do; who they are is in record.profile.';

      create table model.membership (
        user_guid      uuid   not null,
        group_guid     uuid   not null,
        since_position bigint not null,
        primary key (user_guid, group_guid)
      );
      create index membership_group_guid on model.membership (group_guid, since_position);
      comment on table model.membership is 'Counts only while the group lives: join with user_group.';

      create table model.session (
        sid        text        primary key,
        user_guid  uuid        not null,
        expires_at timestamptz not null,
        position   bigint      not null
      );
      create index session_user_guid on model.session (user_guid, position);
      comment on column model.session.sid is 'SHA-256 of the cookie''s 256 random bits, base64url.';

      create table model.user_group (
        guid       uuid        primary key,
        position   bigint      not null unique,
        name       text        not null,
        created_at timestamptz not null
      );
      create index user_group_name on model.user_group (name);

      create table model.api_key (
        guid         uuid        primary key,
        position     bigint      not null unique,
        user_guid    uuid        not null,
        name         text        not null,
        role         text        not null check (role in ('viewer', 'publisher', 'administrator')),
        expires_at   timestamptz,
        content_guid uuid,
        created_at   timestamptz not null
      );
      create index api_key_user_guid on model.api_key (user_guid, position);
      comment on column model.api_key.position is 'Of the creating event: the API''s numeric id.';

      create table record.profile (
        user_guid   uuid        not null,
        version     int         not null,
        username    text        not null,
        first_name  text        not null,
        last_name   text        not null,
        email       text        not null,
        external_id text        not null,
        recorded_at timestamptz not null default clock_timestamp(),
        primary key (user_guid, version)
      );
      comment on table record.profile is 'Personal values, one row a version; events name the version only.';
      comment on column record.profile.external_id is 'The provider''s unique id; empty for somebody whom no provider knows.';

      create table record.api_key_hash (
        guid uuid  primary key,
        hash bytea not null check (length(hash) = 32),
        hint text  not null
      );
      comment on column record.api_key_hash.hash is 'SHA-256 of the key''s text, which has 256 random bits.';
      comment on column record.api_key_hash.hint is 'The last characters, for people who look for a key in a list.';

      create table record.pending_login (
        state_hash   bytea       primary key check (length(state_hash) = 32),
        browser_hash bytea       not null check (length(browser_hash) = 32),
        return_to    text        not null,
        expires_at   timestamptz not null
      );
      create index pending_login_expires_at on record.pending_login (expires_at);
      comment on table record.pending_login is 'A browser is at the provider. Hashes only; verifier and nonce follow from the state.';

      grant select on public.migrations to identity;
    `)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
