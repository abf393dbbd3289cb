import type { MigrationInterface, QueryRunner } from 'typeorm'

export class ClientsOfGrants1795417000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
alter table model.oauth_grant add column client text;
comment on column model.oauth_grant.client is 'Fingerprint of the client and provider that the tokens are of; null for those of before it was noted, which are good for nothing.';

delete from record.former_integration;
alter table record.former_integration add column client text not null;
alter table record.former_integration drop constraint former_integration_pkey;
alter table record.former_integration add primary key (guid, client);
comment on table record.former_integration is 'Deleted integrations, and those that have become another client or have another provider, as they were last published, while tokens of theirs are to be revoked at their providers.';
comment on column record.former_integration.client is 'Fingerprint of that client and provider.';
comment on column record.former_integration.deleted_at is 'Since when it is former.';
`)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
