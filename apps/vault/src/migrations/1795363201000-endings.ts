import type { MigrationInterface, QueryRunner } from 'typeorm'

export class Endings1795363201000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create index replica_deleted on model.replica (kind, guid) where state is null`)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
