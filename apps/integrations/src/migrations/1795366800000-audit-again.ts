import type { MigrationInterface, QueryRunner } from 'typeorm'
import { AUDIT_SCHEMA_AGAIN_SQL } from '#libs/event-sourcing'

export class AuditAgain1795366800000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(AUDIT_SCHEMA_AGAIN_SQL)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
