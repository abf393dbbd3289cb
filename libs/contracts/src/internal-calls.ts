import type { Actor } from './actor.js'
import type { ServiceName } from './service-name.js'

/** One operation that a service offers to another. What is not in this table is refused. */
export interface InternalCall {
  readonly caller: ServiceName
  readonly callee: ServiceName
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** As in the callee's controller, parameters as `:name`. */
  readonly path: string
  /** Which actors may stand behind the call; `none`: the service acts for itself, without an assertion. */
  readonly actors: readonly (Actor['type'] | 'none')[]
  /** What the caller does when the callee does not answer. */
  readonly whenDown: string
}

/**
 * Every call that stays inside the house, besides the public API that the gateway forwards. The guards of
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
  /** `?content_guid=…` → `{missing: [integration guid]}`: which viewer integrations the actor has yet to consent to. */
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
  /** One published document, for a replica that is behind or misses it: a `ChangeMessage`. */
  vaultReadsIdentity: {
    caller: 'vault',
    callee: 'identity',
    method: 'GET',
    path: '/internal/published/:category/:guid',
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
} as const satisfies Record<string, InternalCall>

export type InternalCallName = keyof typeof INTERNAL_CALLS
