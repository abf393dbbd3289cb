import { projection } from '#libs/event-sourcing'
import type { GrantEvent } from './grant.events.js'

/** How each grant stands. Table: `oauth_grant`, since `grant` is a word of SQL. */
export const grants = projection<GrantEvent>('grants', {
  GrantObtained: ({ id, data, position, recordedAt }, sql) => sql`
    insert into oauth_grant as held (guid, position, user_guid, integration_guid, status, generation, expires_at, scope,
      has_refresh_token, obtained_at, changed_at)
    values (${id}, ${position}, ${data.userGuid}, ${data.integrationGuid}, 'usable', ${data.generation},
      ${data.expiresAt}, ${data.scope}, ${data.hasRefreshToken}, ${recordedAt}, ${recordedAt})
    on conflict (guid) do update
    set status = 'usable', generation = excluded.generation, expires_at = excluded.expires_at, scope = excluded.scope,
      has_refresh_token = excluded.has_refresh_token, lease_attempt = null, lease_until = null,
      failed_attempt = null, failure_fate = null, failure_error = null, failed_at = null,
      obtained_at = excluded.obtained_at, changed_at = excluded.changed_at`,
  RefreshBegun: ({ id, data }, sql) => sql`
    update oauth_grant set lease_attempt = ${data.attempt}, lease_until = ${data.leaseUntil} where guid = ${id}`,
  TokenRefreshed: ({ id, data, recordedAt }, sql) => sql`
    update oauth_grant
    set status = 'usable', generation = ${data.generation}, expires_at = ${data.expiresAt},
      scope = coalesce(${data.scope}, scope), lease_attempt = null, lease_until = null,
      failed_attempt = null, failure_fate = null, failure_error = null, failed_at = null, changed_at = ${recordedAt}
    where guid = ${id}`,
  RefreshFailed: ({ id, data, recordedAt }, sql) => sql`
    update oauth_grant
    set status = case when ${data.fate} = 'consent_required' then 'consent_required' else status end,
      lease_attempt = null, lease_until = null, failed_attempt = ${data.attempt}, failure_fate = ${data.fate},
      failure_error = ${data.error}, failed_at = ${recordedAt}, changed_at = ${recordedAt}
    where guid = ${id}`,
  GrantRevoked: ({ id, recordedAt }, sql) => sql`
    update oauth_grant
    set status = 'revoked', lease_attempt = null, lease_until = null, changed_at = ${recordedAt}
    where guid = ${id}`,
})
