import type { MigrationInterface, QueryRunner } from 'typeorm'
import { AUDIT_SCHEMA_SQL } from '#libs/event-sourcing'

export class AuditIdentity1795348800000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(AUDIT_SCHEMA_SQL)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
