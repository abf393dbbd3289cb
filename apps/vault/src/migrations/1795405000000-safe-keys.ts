import type { MigrationInterface, QueryRunner } from 'typeorm'
import { SAFE_KEY_SCHEMA_SQL } from '../safe/index.js'

export class SafeKeys1795405000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(SAFE_KEY_SCHEMA_SQL)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
