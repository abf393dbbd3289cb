import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Three names of 255 characters and four bytes each are more than one entry of an index can hold. */
export class LongNames1795370400000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create function record.name_key(name text) returns text
      language sql immutable strict parallel safe
      return left(lower(name), 200);
      comment on function record.name_key is 'What names are compared, found and ordered by: so short that an index takes three.';

      alter table record.profile drop column username_key, drop column first_name_key, drop column last_name_key;
      alter table record.profile
        add column username_key   text collate "C" generated always as (record.name_key(username)) stored,
        add column first_name_key text collate "C" generated always as (record.name_key(first_name)) stored,
        add column last_name_key  text collate "C" generated always as (record.name_key(last_name)) stored;
      create index profile_username_key on record.profile (username_key, user_guid) where current;
      create index profile_first_name_key on record.profile (first_name_key, user_guid)
        include (username_key) where current;
      create index profile_last_name_key on record.profile (last_name_key, user_guid)
        include (username_key, first_name_key) where current;
      comment on column record.profile.username_key is 'In lower case and byte order, so that one index finds prefixes and gives the order.';
    `)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
