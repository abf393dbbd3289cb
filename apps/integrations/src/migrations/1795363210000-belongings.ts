import type { MigrationInterface, QueryRunner } from 'typeorm'

export class Belongings1795363210000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
alter table model.content
  add column vanity_path      text,
  add column vanity_at        timestamptz,
  add column bundle_id        bigint,
  add column deployed_at      timestamptz,
  add column content_category text not null default '',
  add column r_version        text,
  add column py_version       text,
  add column quarto_version   text,
  add column words            tsvector not null generated always as (to_tsvector('simple', regexp_replace(
    name || ' ' || coalesce(title, '') || ' ' || description, '[[:space:]!-/:-@[-\`{-~]+', ' ', 'g'))) stored;
comment on column model.content.vanity_path is 'Under which path the gateway shows it too; unique by record.reserved.';
comment on column model.content.bundle_id is 'The position of the bundle that is deployed.';
create index content_vanity on model.content (position) where vanity_path is not null;
comment on column model.content.words is 'For the search. Punctuation apart: PostgreSQL makes one word of "sales.report".';
create index content_words on model.content using gin (words) with (fastupdate = off);

create table model.environment_variable (
  content_guid uuid not null,
  name         text not null,
  primary key (content_guid, name)
);
comment on table model.environment_variable is 'Names only: values are kept nowhere.';

create table model.repository (
  content_guid uuid    primary key,
  repository   text    not null,
  branch       text    not null,
  directory    text    not null,
  polling      boolean not null
);

create table model.tag (
  guid        uuid        primary key,
  position    bigint      not null unique,
  parent_guid uuid,
  name        text        not null,
  created_at  timestamptz not null,
  updated_at  timestamptz not null
);
create index tag_parent_guid on model.tag (parent_guid);
create index tag_name on model.tag (lower(name));

create table model.content_tag (
  content_guid uuid not null,
  tag_guid     uuid not null,
  primary key (content_guid, tag_guid)
);
create index content_tag_tag_guid on model.content_tag (tag_guid);
comment on table model.content_tag is 'A tag that is no more may still be named here: what counts is the join.';

create table model.bundle (
  guid             uuid        primary key,
  position         bigint      not null unique,
  content_guid     uuid        not null,
  size             bigint      not null,
  sha256           text        not null,
  app_mode         text        not null,
  content_category text        not null,
  r_version        text,
  py_version       text,
  quarto_version   text,
  created_at       timestamptz not null
);
create index bundle_content_guid on model.bundle (content_guid, position);

create table model.task (
  guid         uuid primary key,
  content_guid uuid not null
);
create index task_content_guid on model.task (content_guid);
comment on table model.task is 'Deployments, which are finished as soon as they are asked for.';

create index replica_username on model.replica (lower(state ->> 'username')) where kind = 'user';

create table record.archive (
  guid         uuid        primary key,
  content_guid uuid        not null,
  begun_at     timestamptz not null default clock_timestamp(),
  bundle_guid  uuid unique
);
create index archive_content_guid on record.archive (content_guid);
create index archive_begun_at on record.archive (begun_at) where bundle_guid is null;
comment on table record.archive is 'What was uploaded; without a bundle while it arrives, and for ever if that breaks off.';

create table record.archive_part (
  archive_guid uuid  not null references record.archive on delete cascade,
  index        int   not null,
  data         bytea not null,
  primary key (archive_guid, index)
);
-- A gzip cannot be compressed any more.
alter table record.archive_part alter column data set storage external;
`)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
