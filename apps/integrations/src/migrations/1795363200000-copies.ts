import type { MigrationInterface, QueryRunner } from 'typeorm'
import { REPLICA_SCHEMA_SQL } from '#libs/messaging'

export class Copies1795363200000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(REPLICA_SCHEMA_SQL)
    await runner.query(`
create table record.todo (
  kind     text        not null,
  key      text        not null,
  due_at   timestamptz not null default clock_timestamp(),
  attempts int         not null default 0,
  primary key (kind, key)
);
create index todo_due_at on record.todo (due_at);
comment on table record.todo is 'What has to follow from something that has happened, done later and with retries.';
comment on column record.todo.due_at is 'Nobody takes it up before; put off while somebody is at it.';
`)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
