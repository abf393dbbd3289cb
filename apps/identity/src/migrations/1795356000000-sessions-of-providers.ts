import type { MigrationInterface, QueryRunner } from 'typeorm'

export class SessionsOfProviders1795356000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table record.provider_session (
        sid               text  primary key,
        subject_hash      bytea not null check (length(subject_hash) = 32),
        provider_sid_hash bytea check (length(provider_sid_hash) = 32)
      );
      create index provider_session_subject_hash on record.provider_session (subject_hash);
      create index provider_session_provider_sid_hash on record.provider_session (provider_sid_hash);
      comment on table record.provider_session is
        'Whose login at the provider a browser session came from, so that the provider can end it. HMACs under identity''s own key.';

      create table record.used_logout_token (
        jti_hash     bytea       primary key check (length(jti_hash) = 32),
        refused_from timestamptz not null
      );
      comment on table record.used_logout_token is 'Kept until the token would be refused by its age alone.';
    `)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
