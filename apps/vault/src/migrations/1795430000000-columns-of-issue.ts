import type { MigrationInterface, QueryRunner } from 'typeorm'

/** What the audit log asks for, read once from the data of a row: a function in three indexes is called for each anew. */
export class ColumnsOfIssue1795430000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
drop index log.issue_person, log.issue_content, log.issue_integration;
drop function log.issued;
alter table log.issue
  add column user_guid        text generated always as (data::json ->> 'userGuid') stored,
  add column content_guid     text generated always as (data::json ->> 'contentGuid') stored,
  add column integration_guid text generated always as (data::json ->> 'integrationGuid') stored;
create index issue_person on log.issue (user_guid, recorded_at, position);
create index issue_content on log.issue (content_guid, recorded_at, position);
create index issue_integration on log.issue (integration_guid, recorded_at, position);
`)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
