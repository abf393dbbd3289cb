import type { MigrationInterface, QueryRunner } from 'typeorm'
import { AUDIT_SCHEMA_SQL } from '#libs/event-sourcing'

/** What the log of issued tokens needs besides. */
const ISSUE_AUDIT_SCHEMA_SQL = `
create function log.issued(data text, name text) returns text
language plpgsql immutable strict parallel safe cost 1000 as $$
begin
  return data::json ->> name;
end $$;
comment on function log.issued is 'A member of an issued token''s data.';

create index issue_recorded_at on log.issue (recorded_at, position);
create index issue_person on log.issue (log.issued(data, 'userGuid'), recorded_at, position);
create index issue_content on log.issue (log.issued(data, 'contentGuid'), recorded_at, position);
create index issue_integration on log.issue (log.issued(data, 'integrationGuid'), recorded_at, position);
`

export class AuditVault1795348800000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(AUDIT_SCHEMA_SQL)
    await runner.query(ISSUE_AUDIT_SCHEMA_SQL)
  }

  down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup instead.')
  }
}
