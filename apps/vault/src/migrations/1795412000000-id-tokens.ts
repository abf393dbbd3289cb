import type { MigrationInterface, QueryRunner } from 'typeorm'

export class IdTokens1795412000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
alter table model.oauth_grant
  add column id_token_expires_at timestamptz,
  add column id_token_fault      text check (id_token_fault in ('none', 'invalid', 'unverified'));
comment on column model.oauth_grant.id_token_expires_at is 'Of the ID token that is traded for credentials; null when none is kept. The token is in the safe, as grant/<guid>/id_token.';
comment on column model.oauth_grant.id_token_fault is 'Why none is kept although the integration needs one.';
`)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
