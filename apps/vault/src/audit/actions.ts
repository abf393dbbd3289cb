import { AUDIT_SOURCES } from '#libs/contracts'
import type { Audited, AuditedLog, AuditedTable, AuditTable } from '#libs/event-sourcing'
import type { CredentialsIssued, ServiceTokenIssued, TokenIssued, VisitorKeyIssued } from '../exchange/issue-log.js'
import type { GrantEvent } from '../grant/grant.events.js'

const grant = {
  GrantObtained: ['add_oauth_session', 'userGuid', 'integrationGuid'],
  RefreshBegun: 'begin_oauth_refresh',
  TokenRefreshed: ['refresh_oauth_session', 'generation'],
  RefreshFailed: ['fail_oauth_refresh', 'fate', 'error', 'inDoubt'],
  RefreshInDoubt: ['doubt_oauth_refresh', 'reason'],
  ConsentRequired: ['require_oauth_consent', 'reason'],
  GrantRevoked: ['remove_oauth_session', 'reason'],
} as const satisfies AuditTable<GrantEvent>

const issue = {
  TokenIssued: ['issue_oauth_token', 'contentGuid', 'integrationGuid'],
  VisitorKeyIssued: ['issue_visitor_key', 'contentGuid', 'integrationGuid', 'role'],
  ServiceTokenIssued: ['issue_service_token', 'contentGuid', 'integrationGuid'],
  CredentialsIssued: ['issue_temporary_credentials', 'contentGuid', 'integrationGuid', 'sessionName'],
} as const satisfies {
  CredentialsIssued: Audited<CredentialsIssued>
  TokenIssued: Audited<TokenIssued>
  ServiceTokenIssued: Audited<ServiceTokenIssued>
  VisitorKeyIssued: Audited<VisitorKeyIssued>
}

/** The log of issued tokens, as its indexes know it. */
const ISSUE: AuditedTable = {
  name: 'issue',
  person: 'user_guid',
  things: (guids) => `(content_guid = any(${guids}) or integration_guid = any(${guids}))`,
}

/** What the audit log says of this service's logs: whatever can happen has an action. */
export const audited: readonly AuditedLog[] = [
  { source: AUDIT_SOURCES.vault, actions: { grant } },
  { source: AUDIT_SOURCES.issued, table: ISSUE, actions: { issue } },
]
