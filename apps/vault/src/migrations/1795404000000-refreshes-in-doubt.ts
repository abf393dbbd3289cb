import type { MigrationInterface, QueryRunner } from 'typeorm'

export class RefreshesInDoubt1795404000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
alter table model.oauth_grant
  add column token_since    timestamptz,
  add column doubt_attempt  uuid,
  add column doubt_since    timestamptz,
  add column quiet_until    timestamptz,
  add column consent_reason text check (consent_reason in ('refused', 'rotation_in_doubt'));
comment on column model.oauth_grant.token_since is 'When the present access token came.';
comment on column model.oauth_grant.doubt_attempt is 'An attempt that may have succeeded unseen; null once it is settled.';
comment on column model.oauth_grant.quiet_until is 'The refresh token is not sent again before: whoever sent it first may come back.';
update model.oauth_grant set token_since = changed_at where failed_at is null;
create index oauth_grant_unsettled on model.oauth_grant (lease_until)
  where lease_attempt is not null or doubt_attempt is not null;
`)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
