import type { MigrationInterface, QueryRunner } from 'typeorm'

export class RefusalsOfSettings1795420000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
alter table model.oauth_grant
  add column failing_since    timestamptz,
  add column failure_settings text;
comment on column model.oauth_grant.failing_since is 'The first of the failures in a row that are as the last one.';
comment on column model.oauth_grant.failure_settings is 'Fingerprint of the settings that the provider refuses.';
`)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
