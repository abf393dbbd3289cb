import type { MigrationInterface, QueryRunner } from 'typeorm'
import { logSchema } from '#libs/event-sourcing'

export class CreateIntegrations1795300000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(logSchema('integrations'))
    await runner.query(`
create table model.integration (
  guid                    uuid primary key,
  position                bigint      not null unique,
  template                text        not null,
  auth_type               text        not null,
  name                    text,
  description             text,
  config                  json        not null,
  client_secret_reference uuid,
  created_at              timestamptz not null,
  updated_at              timestamptz not null
);
comment on column model.integration.config is 'What the administrator gave, without secrets.';
comment on column model.integration.client_secret_reference is 'Where the vault''s safe keeps the client secret.';

create table model.content (
  guid         uuid primary key,
  position     bigint      not null unique,
  owner_guid   uuid        not null,
  name         text        not null,
  title        text,
  description  text        not null,
  access_type  text        not null,
  app_mode     text        not null,
  upstream_url text,
  created_at   timestamptz not null,
  updated_at   timestamptz not null
);
create index content_owner_guid on model.content (owner_guid, name);

create table model.association (
  content_guid     uuid        not null,
  integration_guid uuid        not null,
  auth_type        text        not null,
  position         bigint      not null,
  created_at       timestamptz not null,
  primary key (content_guid, integration_guid)
);
create index association_integration_guid on model.association (integration_guid);
`)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
