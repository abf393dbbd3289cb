import type { MigrationInterface, QueryRunner } from 'typeorm'

export class SearchOfPeople1795312801000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table record.profile
        add column current        boolean not null default true,
        add column username_key   text collate "C" generated always as (lower(username)) stored,
        add column first_name_key text collate "C" generated always as (lower(first_name)) stored,
        add column last_name_key  text collate "C" generated always as (lower(last_name)) stored;
      update record.profile set current = false
      where exists (select from record.profile newer
                    where newer.user_guid = profile.user_guid and newer.version > profile.version);
      create unique index profile_current on record.profile (user_guid) where current;
      create index profile_username_key on record.profile (username_key, user_guid) where current;
      create index profile_first_name_key on record.profile (first_name_key, user_guid)
        include (username_key) where current;
      create index profile_last_name_key on record.profile (last_name_key, user_guid)
        include (username_key, first_name_key) where current;
      -- The searches read the indexes alone, as long as the visibility map is fresh.
      alter table record.profile set (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_vacuum_scale_factor = 0.02);
      comment on column record.profile.current is 'Whether it is the newest version, the one that is searched.';
      comment on column record.profile.username_key is 'In lower case and byte order, so that one index finds prefixes and gives the order.';

      create table record.api_key_use (
        guid    uuid        primary key,
        used_at timestamptz not null
      );
      comment on table record.api_key_use is 'Last use of an API key, written at most once in 15 minutes.';
    `)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
