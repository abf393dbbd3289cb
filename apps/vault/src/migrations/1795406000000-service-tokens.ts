import type { MigrationInterface, QueryRunner } from 'typeorm'

export class ServiceTokens1795406000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
create table record.service_token (
  integration_guid uuid primary key,
  fingerprint      text not null,
  generation       int  not null check (generation >= 0),
  obtained_at      timestamptz,
  expires_at       timestamptz,
  lease_attempt    uuid,
  lease_until      timestamptz,
  failed_attempt   uuid,
  failed_at        timestamptz,
  failed_fate      text check (failed_fate in ('retry', 'misconfigured', 'consent_required')),
  failed_error     text
);
comment on table record.service_token is 'Access tokens of service accounts, as long as they are good. The tokens are in the safe, as service_account/<integration>/access_token.';
comment on column record.service_token.fingerprint is 'SHA-256 of the settings that a token is asked for with.';
comment on column record.service_token.lease_until is 'Until then nobody but lease_attempt asks the provider.';
`)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
