import type { MigrationInterface, QueryRunner } from 'typeorm'

export class PeopleAndGroups1795309200000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table model.user_group add column owner_guid uuid, add column unique_id text;
      create index user_group_owner_guid on model.user_group (owner_guid) where owner_guid is not null;
      create index user_group_unique_id on model.user_group (unique_id) where unique_id is not null;
      comment on column model.user_group.owner_guid is 'Null: made by a login.';
      comment on column model.user_group.unique_id is 'The provider''s, where groups are matched by it.';

      create table record.session_use (
        sid     text        primary key,
        used_at timestamptz not null
      );
      comment on table record.session_use is 'Last use of a browser session, written at most once a minute.';
    `)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
