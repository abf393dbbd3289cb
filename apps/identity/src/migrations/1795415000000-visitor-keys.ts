import type { MigrationInterface, QueryRunner } from 'typeorm'

export class VisitorKeys1795415000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table record.visitor_key (
        guid         uuid        primary key,
        hash         bytea       not null check (length(hash) = 32),
        user_guid    uuid        not null,
        role         text        not null check (role in ('viewer', 'publisher', 'administrator')),
        content_guid uuid        not null,
        expires_at   timestamptz not null
      );
      create index visitor_key_expires_at on record.visitor_key (expires_at);
      comment on table record.visitor_key is 'Short-lived keys by which content acts as its visitor: no events, since the vault writes down to whom it hands them.';
      comment on column record.visitor_key.hash is 'SHA-256 of the key''s text, which has 256 random bits.';
      comment on column record.visitor_key.content_guid is 'The content that it was made for.';
    `)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
