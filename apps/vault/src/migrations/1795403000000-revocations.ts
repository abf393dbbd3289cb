import type { MigrationInterface, QueryRunner } from 'typeorm'

export class Revocations1795403000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
alter table record.todo
  add column due_at     timestamptz not null default clock_timestamp(),
  add column attempts   int         not null default 0,
  add column last_error text;
create index todo_due_at on record.todo (kind, due_at);
comment on column record.todo.due_at is 'Not before; for one that is being done, when another process takes it up.';
comment on column record.todo.last_error is 'What the other side said last, without anything secret.';

create table record.former_integration (
  guid       uuid        primary key,
  state      json        not null,
  deleted_at timestamptz not null default clock_timestamp()
);
comment on table record.former_integration is 'Deleted integrations as they were last published, while tokens of theirs are to be revoked at their providers.';

alter table record.consent_request
  add column relink   boolean     not null default false,
  add column taken_at timestamptz;
comment on column record.consent_request.relink is 'Whether another account at the provider may take the place of the former one.';
comment on column record.consent_request.taken_at is 'When the browser came back; the row stays a while to tell a repetition.';
`)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
