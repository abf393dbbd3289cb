import type { Actor } from './actor.js'
import type { CallerName, ServiceName } from './service-name.js'

/** One operation that a service offers to another, or to the operator. What is not in this table is refused. */
export interface InternalCall {
  readonly caller: CallerName
  readonly callee: ServiceName
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** As in the callee's controller, parameters as `:name`. */
  readonly path: string
  /** Which actors may stand behind the call; `none`: the service acts for itself, without an assertion. */
  readonly actors: readonly (Actor['type'] | 'none')[]
  /** What the caller does when the callee does not answer. */
  readonly whenDown: string
}

/**
 * Every call that stays inside the house, besides the public API that the gateway forwards; nothing of the operator's can be
 * reached through the gateway. The guards of
 * `libs/service`, `docs/internal-calls.md` and the network policies are made from this table.
 */
export const INTERNAL_CALLS = {
  /** `{credential: {type: 'session'|'api_key', value}, audience}` → `{actor, assertion, expires_in}`; 401 when unknown. */
  assertActor: {
    caller: 'gateway',
    callee: 'identity',
    method: 'POST',
    path: '/internal/actor-assertions',
    actors: ['none'],
    whenDown: 'requests with a cached assertion go on for up to 60 s; others answer 503',
  },
  /** `{content_guid}` for the actor's own session → `{token, expires_in}`. */
  issueUserSessionToken: {
    caller: 'gateway',
    callee: 'identity',
    method: 'POST',
    path: '/internal/user-session-tokens',
    actors: ['user'],
    whenDown: 'content with a token still good for a minute goes on; other visits answer 503',
  },
  /**
   * `?content_guid=…&content_version=…` → `{missing: [integration guid]}`: which viewer integrations the actor has yet to
   * consent to, by a copy of the content that is at least of that version.
   */
  missingConsents: {
    caller: 'gateway',
    callee: 'vault',
    method: 'GET',
    path: '/internal/missing-consents',
    actors: ['user'],
    whenDown: 'the visit goes on without asking; the content’s own exchange says what is missing',
  },
  /** `{integration_guid, client_secret}` → 204. The reference is the caller’s; a repeat overwrites itself. */
  putClientSecret: {
    caller: 'integrations',
    callee: 'vault',
    method: 'PUT',
    path: '/internal/client-secrets/:reference',
    actors: ['none'],
    whenDown: 'creating or changing the integration fails whole, with 503',
  },
  /**
   * `{integration}`, an `IntegrationState`: asks its provider for a token of the service account and throws it away → 204;
   * refused with `token_endpoint.failed` or `token_endpoint.unavailable`.
   */
  verifyIntegration: {
    caller: 'integrations',
    callee: 'vault',
    method: 'POST',
    path: '/internal/integration-verifications',
    actors: ['none'],
    whenDown: '503: nothing is said of the integration',
  },
  /**
   * → `{standing: 'current'|'former'|'never', since}`: whether the integration names the secret, and since when no more.
   * What it says decides what the vault destroys.
   */
  namesSecret: {
    caller: 'vault',
    callee: 'integrations',
    method: 'GET',
    path: '/internal/integrations/:guid/client-secrets/:reference',
    actors: ['none'],
    whenDown: 'the secret is kept, and asked about again',
  },
  /** `{access_token, expires_in}` of a login, for the session that began with it → 204. Kept for the directory search alone. */
  putLoginToken: {
    caller: 'identity',
    callee: 'vault',
    method: 'PUT',
    path: '/internal/login-tokens/:guid/:sid',
    actors: ['none'],
    whenDown: 'the login goes on; the person’s searches find known people only',
  },
  /** → `{access_token}` of the searcher’s own session; 404 when there is none, or it is over. */
  loginAccessToken: {
    caller: 'identity',
    callee: 'vault',
    method: 'GET',
    path: '/internal/login-tokens/:guid/:sid',
    actors: ['none'],
    whenDown: 'the search finds known people only',
  },
  /** One published document, for a replica that is behind or misses it: a `ChangeMessage`. */
  vaultReadsIdentity: {
    caller: 'vault',
    callee: 'identity',
    method: 'GET',
    path: '/internal/published/:category/:guid',
    actors: ['none'],
    whenDown: '503 temporarily_unavailable',
  },
  /**
   * `{user_guid, role, content_guid}` → `{key, expires_in}`: a short-lived API key of somebody who visits this content, of at
   * most this role; 404 when there is no such person.
   */
  issueVisitorKey: {
    caller: 'vault',
    callee: 'identity',
    method: 'POST',
    path: '/internal/visitor-keys',
    actors: ['none'],
    whenDown: '503 temporarily_unavailable',
  },
  /**
   * `{content_guid, audience}` → `{token, expires_in}`: an ID token of this server that says which content it is, for
   * somebody outside who trusts this server as an OpenID provider.
   */
  signContentIdToken: {
    caller: 'vault',
    callee: 'identity',
    method: 'POST',
    path: '/internal/content-id-tokens',
    actors: ['none'],
    whenDown: '503 temporarily_unavailable',
  },
  vaultReadsIntegrations: {
    caller: 'vault',
    callee: 'integrations',
    method: 'GET',
    path: '/internal/published/:category/:guid',
    actors: ['none'],
    whenDown: '503 temporarily_unavailable',
  },
  identityReadsContent: {
    caller: 'identity',
    callee: 'integrations',
    method: 'GET',
    path: '/internal/published/:category/:guid',
    actors: ['none'],
    whenDown: '503: no key is bound to content, and no content session token is signed, whose owner nobody can name',
  },
  integrationsReadsIdentity: {
    caller: 'integrations',
    callee: 'identity',
    method: 'GET',
    path: '/internal/published/:category/:guid',
    actors: ['none'],
    whenDown: '503 for what hangs on a person or group not known here; names of owners stay empty',
  },
  gatewayReadsIdentity: {
    caller: 'gateway',
    callee: 'identity',
    method: 'GET',
    path: '/internal/published/:category/:guid',
    actors: ['none'],
    whenDown: '503',
  },
  gatewayReadsIntegrations: {
    caller: 'gateway',
    callee: 'integrations',
    method: 'GET',
    path: '/internal/published/:category/:guid',
    actors: ['none'],
    whenDown: '503',
  },
  /** What somebody owns or may do with content: `{content: [{guid, name, title}]}`, oldest first. */
  ownedContent: {
    caller: 'identity',
    callee: 'integrations',
    method: 'GET',
    path: '/internal/owners/:guid/content',
    actors: ['none'],
    whenDown: 'nobody is deleted: 503',
  },
  /** `{target_guid}` → `{content: [{guid, name, title}]}`: what was given to the target, who owns it from now on. */
  transferContent: {
    caller: 'identity',
    callee: 'integrations',
    method: 'POST',
    path: '/internal/owners/:guid/content-transfer',
    actors: ['operator'],
    whenDown: 'the transfer stops with 503; run again, it goes on where it stopped',
  },
  operatorListsUsers: {
    caller: 'operator',
    callee: 'identity',
    method: 'GET',
    path: '/internal/operator/users',
    actors: ['operator'],
    whenDown: 'the command line says so',
  },
  operatorAltersUser: {
    caller: 'operator',
    callee: 'identity',
    method: 'PATCH',
    path: '/internal/operator/users/:guid',
    actors: ['operator'],
    whenDown: 'the command line says so; nothing changes',
  },
  operatorDeletesUser: {
    caller: 'operator',
    callee: 'identity',
    method: 'DELETE',
    path: '/internal/operator/users/:guid',
    actors: ['operator'],
    whenDown: 'the command line says so; nothing changes',
  },
  operatorTransfers: {
    caller: 'operator',
    callee: 'identity',
    method: 'POST',
    path: '/internal/operator/users/:guid/transfer',
    actors: ['operator'],
    whenDown: 'the command line says so; run again, it goes on where it stopped',
  },
  operatorListsGroups: {
    caller: 'operator',
    callee: 'identity',
    method: 'GET',
    path: '/internal/operator/groups',
    actors: ['operator'],
    whenDown: 'the command line says so',
  },
  operatorAltersGroup: {
    caller: 'operator',
    callee: 'identity',
    method: 'PATCH',
    path: '/internal/operator/groups/:guid',
    actors: ['operator'],
    whenDown: 'the command line says so; nothing changes',
  },
  operatorDeletesGroup: {
    caller: 'operator',
    callee: 'identity',
    method: 'DELETE',
    path: '/internal/operator/groups/:guid',
    actors: ['operator'],
    whenDown: 'the command line says so; nothing changes',
  },
  operatorNormalizesGroups: {
    caller: 'operator',
    callee: 'identity',
    method: 'POST',
    path: '/internal/operator/groups/normalization',
    actors: ['operator'],
    whenDown: 'the command line says so; run again, it goes on where it stopped',
  },
  /** → `{versions: [{version, provider, active, retired, secrets}]}`: the keys of the safe, never a key itself. */
  operatorListsSafeKeys: {
    caller: 'operator',
    callee: 'vault',
    method: 'GET',
    path: '/internal/operator/safe-keys',
    actors: ['operator'],
    whenDown: 'the command line says so',
  },
  /** → `{version}`, which seals from now on. */
  operatorMakesSafeKey: {
    caller: 'operator',
    callee: 'vault',
    method: 'POST',
    path: '/internal/operator/safe-keys',
    actors: ['operator'],
    whenDown: 'the command line says so; nothing changes',
  },
  /**
   * `{after?, limit, delete_damaged?}` → `{rewrapped, damaged, deleted, remaining, next}`: some secrets are brought under the
   * key that seals.
   */
  operatorRewrapsSafe: {
    caller: 'operator',
    callee: 'vault',
    method: 'POST',
    path: '/internal/operator/safe-keys/rewrapping',
    actors: ['operator'],
    whenDown: 'the command line says so; run again, it goes on where it stopped',
  },
  /** → `{removed}`: whether the key is gone from its file, too. */
  operatorRetiresSafeKey: {
    caller: 'operator',
    callee: 'vault',
    method: 'DELETE',
    path: '/internal/operator/safe-keys/:version',
    actors: ['operator'],
    whenDown: 'the command line says so; nothing changes',
  },
  operatorReadsAudit: {
    caller: 'operator',
    callee: 'identity',
    method: 'GET',
    path: '/internal/operator/audit-logs',
    actors: ['operator'],
    whenDown: 'the command line says so',
  },
  /** An `AuditQuestion` → an `AuditAnswer`: what the service's own log says. */
  auditOfIntegrations: {
    caller: 'identity',
    callee: 'integrations',
    method: 'POST',
    path: '/internal/audit-entries',
    actors: ['none'],
    whenDown: '503: no page of the audit log leaves a service out',
  },
  auditOfVault: {
    caller: 'identity',
    callee: 'vault',
    method: 'POST',
    path: '/internal/audit-entries',
    actors: ['none'],
    whenDown: '503: no page of the audit log leaves a service out',
  },
} as const satisfies Record<string, InternalCall>

/** What integrations say of a client secret; see `namesSecret`. */
export interface SecretStanding {
  /** `never`: no integration has ever named it. */
  readonly standing: 'current' | 'former' | 'never'
  /** RFC 3339: since when it is no more than `former`; `null` for the other two. */
  readonly since: string | null
}

export type InternalCallName = keyof typeof INTERNAL_CALLS
