import type { MigrationInterface, QueryRunner } from 'typeorm'

export class IntegrationAccess1795363201000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
create table model.integration_permission (
  guid             uuid primary key,
  integration_guid uuid   not null,
  position         bigint not null unique,
  user_guid        uuid,
  group_guid       uuid,
  check ((user_guid is null) <> (group_guid is null))
);
create index integration_permission_integration_guid on model.integration_permission (integration_guid, position);
comment on table model.integration_permission is 'Who may use an integration; without an entry, everybody who publishes.';
`)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
