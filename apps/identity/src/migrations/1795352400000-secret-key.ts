import type { MigrationInterface, QueryRunner } from 'typeorm'

export class SecretKey1795352400000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table record.secret_key (
        is_the_one  boolean     primary key default true check (is_the_one),
        fingerprint text        not null check (fingerprint ~ '^[0-9a-f]{64}$'),
        since       timestamptz not null default clock_timestamp()
      );
      comment on table record.secret_key is 'Which key opens encrypted settings; nothing of the key follows from it.';
    `)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
