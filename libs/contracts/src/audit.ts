/** Everything that the audit log speaks of, and what it says of it: verb and noun, as existing clients know them. */
export const AUDIT_ACTIONS = {
  add_user: 'A person was added',
  edit_user: 'A person’s profile was changed',
  edit_user_role: 'A person was given a role',
  edit_user_groups: 'A person’s groups were changed',
  lock_user: 'A person was locked out',
  unlock_user: 'A person was let in again',
  remove_user: 'A person was removed and their profile erased',
  user_login: 'A person logged in',
  user_logout: 'A person’s session ended',
  add_group: 'A group was added',
  rename_group: 'A group was renamed',
  edit_group_owner: 'A group was given another owner',
  edit_group_unique_id: 'A group was matched with another group of the login provider',
  remove_group: 'A group was removed',
  add_api_key: 'An API key was made',
  remove_api_key: 'An API key was removed',
  add_oauth_integration: 'An OAuth integration was added',
  edit_oauth_integration: 'An OAuth integration was changed',
  edit_oauth_integration_access: 'The people who may use an OAuth integration were changed',
  verify_oauth_integration: 'An OAuth integration was tried out',
  remove_oauth_integration: 'An OAuth integration was removed',
  add_content: 'A content item was added',
  edit_content: 'A content item was changed',
  edit_content_access: 'The people who may see a content item were changed',
  lock_content: 'A content item was locked: nobody can visit it',
  unlock_content: 'A content item was unlocked',
  add_content_share_link: 'A share link to a content item was made',
  remove_content_share_link: 'A share link to a content item was revoked',
  remove_content: 'A content item was removed',
  edit_content_vanity: 'A content item was given another path, or lost it',
  edit_content_environment: 'Names of environment variables of a content item were changed',
  edit_content_tags: 'A content item’s tags were changed',
  add_bundle: 'A bundle was uploaded to a content item',
  deploy_bundle: 'A content item was deployed',
  remove_bundle: 'A bundle of a content item was removed',
  add_tag: 'A tag was added',
  edit_tag: 'A tag was renamed or put elsewhere',
  remove_tag: 'A tag was removed',
  add_oauth_association: 'An OAuth integration was associated with a content item',
  remove_oauth_association: 'An OAuth integration was dissociated from a content item',
  add_oauth_session: 'A person authorized an OAuth integration',
  begin_oauth_refresh: 'An OAuth access token was about to be refreshed',
  refresh_oauth_session: 'An OAuth access token was refreshed',
  fail_oauth_refresh: 'An OAuth access token could not be refreshed',
  doubt_oauth_refresh: 'It is not known whether an OAuth access token was refreshed',
  require_oauth_consent: 'A person has to authorize an OAuth integration again',
  remove_oauth_session: 'A person’s authorization of an OAuth integration ended',
  issue_oauth_token: 'An OAuth access token was handed to a content item',
  issue_visitor_key: 'A short-lived API key of a visitor was handed to a content item',
  issue_service_token: 'An access token of a service account was handed to a content item',
  issue_temporary_credentials: 'Temporary credentials were handed to a content item',
  unknown_event: 'Something happened that this version has no name for',
} as const
export type AuditAction = keyof typeof AUDIT_ACTIONS

/** The logs that are read as one. The number is the last part of their order, and of an entry's id. */
export const AUDIT_SOURCES = { identity: 0, integrations: 1, vault: 2, issued: 3 } as const
export type AuditSource = (typeof AUDIT_SOURCES)[keyof typeof AUDIT_SOURCES]

/** The place of an entry in the whole log, in the order of these members. */
export interface AuditPlace {
  /** UTC with six digits of a second, so that texts compare as times do: `2026-11-22T12:00:00.000000Z`. */
  readonly at: string
  readonly source: AuditSource
  /** Digits. */
  readonly position: string
}

/** What an entry has to have, or must not have: any of these. */
export interface AuditCondition {
  readonly not?: boolean
  readonly actions?: readonly AuditAction[]
  /** Guids of persons: who did it. */
  readonly people?: readonly string[]
  /** No person did it. */
  readonly system?: boolean
  /** Guids of things: what it was done to. */
  readonly things?: readonly string[]
  /** Words, all of which are among the entry's details. */
  readonly words?: string
}

/** What identity asks the services about their logs. */
export interface AuditQuestion {
  /** From 1 to 501. */
  readonly limit: number
  readonly order: 'ascending' | 'descending'
  /** Only what follows this place in that order. */
  readonly after?: AuditPlace
  /** Only before this time, of which the service has said before that nothing earlier will come. */
  readonly until?: string
  /** Only from this time on. */
  readonly since?: string
  /** Only before this time. */
  readonly before?: string
  /** All of them hold. */
  readonly conditions?: readonly AuditCondition[]
  /** Whether to count what fits, wherever it stands. */
  readonly count?: boolean
}

/** An entry of the audit log, as its service tells it: guids only. */
export interface AuditEntry extends AuditPlace {
  readonly action: AuditAction
  /** Who did it; `null` when it was no person. */
  readonly user_guid: string | null
  /** Who did it, when it was no person. */
  readonly process: string | null
  readonly event_description: string
}

export interface AuditAnswer {
  /** No entry before this time will ever be added to these. */
  readonly complete_until: string
  /** In the order of the question; of each of the service's logs at most as many as the limit. */
  readonly entries: readonly AuditEntry[]
  /** Present when it was asked for; at most `MOST_COUNTED`. */
  readonly total?: number
}

/** Nobody counts further: more than this is only "many". */
export const MOST_COUNTED = 10_000

/** The order of the whole log. */
export function comparePlaces(one: AuditPlace, other: AuditPlace): number {
  if (one.at !== other.at) return one.at < other.at ? -1 : 1
  if (one.source !== other.source) return one.source - other.source
  return Number(BigInt(one.position) - BigInt(other.position))
}
