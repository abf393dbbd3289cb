import type { MigrationInterface, QueryRunner } from 'typeorm'

export class AccessToContent1795363202000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
alter table model.content
  add column locked         boolean not null default false,
  add column locked_message text    not null default '',
  add column settings       jsonb   not null default '{}';
comment on column model.content.settings is 'What was said of how to run it, under the names of the API; absent is the default.';
create index content_name on model.content (name);
create index content_open on model.content (guid) where access_type <> 'acl';

create table model.permission (
  content_guid   uuid        not null,
  principal_guid uuid        not null,
  principal_type text        not null check (principal_type in ('user', 'group')),
  role           text        not null check (role in ('viewer', 'owner')),
  position       bigint      not null unique,
  created_at     timestamptz not null,
  primary key (content_guid, principal_guid)
);
create index permission_principal_guid on model.permission (principal_guid, content_guid);
create index permission_group on model.permission (principal_guid) where principal_type = 'group';
comment on table model.permission is 'Who beside its owner has access to a content item.';
comment on column model.permission.role is 'owner is a collaborator.';
comment on column model.permission.position is 'Of the event that first granted it: the API''s numeric id, kept while the role changes.';

create table model.share_link (
  guid         uuid        primary key,
  content_guid uuid        not null,
  position     bigint      not null unique,
  token_hash   text        not null unique,
  expires_at   timestamptz,
  created_at   timestamptz not null
);
create index share_link_content_guid on model.share_link (content_guid, position);
comment on table model.share_link is 'Ways into a content item for whoever has the token, of which only the hash is here.';
`)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
