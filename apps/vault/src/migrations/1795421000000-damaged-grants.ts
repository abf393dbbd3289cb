import type { MigrationInterface, QueryRunner } from 'typeorm'

export class DamagedGrants1795421000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
alter table model.oauth_grant
  drop constraint oauth_grant_consent_reason_check,
  add constraint oauth_grant_consent_reason_check check (consent_reason in ('refused', 'rotation_in_doubt', 'damaged'));
`)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
