import { projection } from '#libs/event-sourcing'
import type { GrantEvent } from './grant.events.js'

/** How each grant stands. Table: `oauth_grant`, since `grant` is a word of SQL. */
export const grants = projection<GrantEvent>('grants', {
  GrantObtained: ({ id, data, position, recordedAt }, sql) => sql`
    insert into oauth_grant as held (guid, position, user_guid, integration_guid, status, generation, expires_at, scope,
      has_refresh_token, client, id_token_expires_at, id_token_fault, obtained_at, token_since, changed_at)
    values (${id}, ${position}, ${data.userGuid}, ${data.integrationGuid}, 'usable', ${data.generation},
      ${data.expiresAt}, ${data.scope}, ${data.hasRefreshToken}, ${data.client ?? null},
      ${data.idToken?.expiresAt ?? null}, ${data.idToken?.fault ?? null}, ${recordedAt}, ${recordedAt}, ${recordedAt})
    on conflict (guid) do update
    set status = 'usable', generation = excluded.generation, expires_at = excluded.expires_at, scope = excluded.scope,
      has_refresh_token = excluded.has_refresh_token, client = excluded.client, id_token_expires_at = excluded.id_token_expires_at,
      id_token_fault = excluded.id_token_fault, lease_attempt = null, lease_until = null,
      failed_attempt = null, failure_fate = null, failure_error = null, failed_at = null,
      doubt_attempt = null, doubt_since = null, quiet_until = null, consent_reason = null,
      obtained_at = excluded.obtained_at, token_since = excluded.token_since, changed_at = excluded.changed_at`,
  RefreshBegun: ({ id, data }, sql) => sql`
    update oauth_grant set lease_attempt = ${data.attempt}, lease_until = ${data.leaseUntil} where guid = ${id}`,
  TokenRefreshed: ({ id, data, recordedAt }, sql) => sql`
    update oauth_grant
    set status = 'usable', generation = ${data.generation}, expires_at = ${data.expiresAt},
      scope = coalesce(${data.scope}, scope), id_token_expires_at = ${data.idToken?.expiresAt ?? null},
      id_token_fault = ${data.idToken?.fault ?? null}, lease_attempt = null, lease_until = null,
      failed_attempt = null, failure_fate = null, failure_error = null, failed_at = null,
      doubt_attempt = null, doubt_since = null, quiet_until = null, consent_reason = null,
      token_since = ${recordedAt}, changed_at = ${recordedAt}
    where guid = ${id}`,
  RefreshFailed: ({ id, data, recordedAt }, sql) => sql`
    update oauth_grant
    set status = case when ${data.fate} = 'consent_required' then 'consent_required' else status end,
      failing_since = case
        when failure_fate = ${data.fate} and failure_settings is not distinct from ${data.settings ?? null}::text
        then coalesce(failing_since, ${recordedAt}) else ${recordedAt}::timestamptz end,
      failure_settings = ${data.settings ?? null},
      lease_attempt = null, lease_until = null, failed_attempt = ${data.attempt}, failure_fate = ${data.fate},
      failure_error = ${data.error}, failed_at = ${recordedAt}, changed_at = ${recordedAt}
    where guid = ${id}`,
  RefreshInDoubt: ({ id, data, recordedAt }, sql) => sql`
    update oauth_grant
    set lease_attempt = null, lease_until = null, doubt_attempt = ${data.attempt},
      doubt_since = coalesce(doubt_since, ${recordedAt}), quiet_until = ${data.quietUntil}, changed_at = ${recordedAt}
    where guid = ${id}`,
  ConsentRequired: ({ id, data, recordedAt }, sql) => sql`
    update oauth_grant
    set status = 'consent_required', consent_reason = ${data.reason}, doubt_attempt = null, doubt_since = null,
      quiet_until = null, lease_attempt = null, lease_until = null, changed_at = ${recordedAt}
    where guid = ${id}`,
  GrantRevoked: ({ id, recordedAt }, sql) => sql`
    update oauth_grant
    set status = 'revoked', lease_attempt = null, lease_until = null, doubt_attempt = null, doubt_since = null,
      quiet_until = null, changed_at = ${recordedAt}
    where guid = ${id}`,
})
