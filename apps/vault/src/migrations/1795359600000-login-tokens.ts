import type { MigrationInterface, QueryRunner } from 'typeorm'

export class LoginTokens1795359600000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
create table record.login_token (
  user_guid  uuid        not null,
  sid        text        not null,
  expires_at timestamptz not null,
  sealed_at  timestamptz not null default clock_timestamp(),
  primary key (user_guid, sid)
);
create index login_token_expires_at on record.login_token (expires_at);
comment on table record.login_token is 'Access tokens of logins, for searches in the provider''s directory. The tokens are in the safe, as login_token/<user>/<sid>.';
comment on column record.login_token.sid is 'The browser session that began with this login; the token does not outlive it.';
`)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
