import {
  DomainError,
  GRANT_TYPE_TOKEN_EXCHANGE,
  isAtLeast,
  lower,
  mayView,
  REQUESTED_TOKEN_TYPE,
  SUBJECT_TOKEN_TYPE,
  type Actor,
  type ContentState,
  type IntegrationState,
  type UserSessionClaims,
  type UserState,
} from '#libs/contracts'
import type { ConsentReason } from '../grant/grant.events.js'

/** Seconds that an access token must still be good for to be handed out without a refresh. */
const USABLE_SECONDS = 5

/**
 * Seconds after which a token is refreshed whose provider never says how long it lasts (the quirk `omits_expires_in`):
 * less than the shortest session, 15 minutes, that such a provider can be set to.
 * @see https://help.salesforce.com/s/articleView?id=xcloud.admin_sessions.htm
 */
const UNTOLD_LIFE_SECONDS = 600

/** Whose call the exchange answers. */
export type KeyActor = Extract<Actor, { type: 'key' | 'content_key' }>

/** A form that is worth looking up facts for. */
export interface ExchangeRequest {
  readonly subjectToken: string
  readonly audience: string | undefined
  readonly requestedTokenType: string | undefined
}

/** A verified user session token. */
export interface Subject extends UserSessionClaims {
  readonly userGuid: string
}

/** `undefined`: never heard of; `null`: deleted, which is certain. */
export type Known<State> = State | null | undefined

/** A viewer's authorization, as its row says. */
export interface GrantFacts {
  readonly guid: string
  readonly status: 'usable' | 'consent_required' | 'revoked'
  readonly generation: number
  readonly expiresAt: Date | null
  readonly hasRefreshToken: boolean
  /** When its access token came, if that is known. */
  readonly tokenSince?: Date | null
  /** Why its user has to consent again. */
  readonly consentReason?: ConsentReason | null
}

/** All that the decision rests on, as one statement found it. */
export interface Facts {
  /** The database's clock. */
  readonly now: Date
  readonly content: Known<ContentState>
  readonly visitor: Known<UserState>
  /** The person behind a personal key; the same for everybody else. */
  readonly callerUser: Known<UserState>
  /** Of the visitor's groups, those that exist. */
  readonly liveGroupGuids: readonly string[]
  /** Of the visitor's groups, those nobody has told us of. */
  readonly unknownGroupGuids: readonly string[]
  /** The one that `audience` names or, without an audience, the only one that is associated. */
  readonly integration: Known<IntegrationState>
  readonly grant: GrantFacts | undefined
}

/** A document of another service that may have been missed. */
export interface Doubt {
  readonly kind: 'content' | 'user' | 'group' | 'integration'
  readonly guid: string
}

export type Decision =
  | { readonly verdict: 'issue'; readonly integration: IntegrationState; readonly grant: GrantFacts }
  | {
      readonly verdict: 'refresh'
      readonly integration: IntegrationState
      readonly grant: GrantFacts
      /** Whether the old token may still be handed out when the refresh fails. */
      readonly oldIsValid: boolean
    }
  | {
      readonly verdict: 'refuse'
      readonly error: DomainError
      /** What rests on something missing here, to be confirmed with its owner before the refusal is spoken. */
      readonly doubts: readonly Doubt[]
    }

/** What the administrator has set. */
export interface ExchangePolicy {
  /** Refuses personal keys: only a key that is bound to the token's content will do. */
  readonly requireContentKeys: boolean
  readonly consentUrl: (integrationGuid: string) => string
}

/**
 * What can be said of a request before anything is looked up.
 * @throws DomainError 22, 213, 214, 215 (`libs/contracts/src/errors.ts`)
 * @see RFC 8693 §2.1
 */
export function readRequest(form: Readonly<Record<string, string>>, caller: KeyActor): ExchangeRequest {
  if (caller.type === 'key' && !isAtLeast(caller.role, 'publisher')) throw notTheOwner()
  if (form.grant_type !== GRANT_TYPE_TOKEN_EXCHANGE)
    throw refusal('exchange.grant_type', 'unsupported_grant_type', `grant_type must be ${GRANT_TYPE_TOKEN_EXCHANGE}.`)
  if (form.subject_token_type !== SUBJECT_TOKEN_TYPE.userSession)
    throw refusal(
      'exchange.subject_token_type',
      'invalid_request',
      `subject_token_type must be ${SUBJECT_TOKEN_TYPE.userSession}.`,
    )
  if (!form.subject_token) throw badSubjectToken()
  return {
    subjectToken: form.subject_token,
    audience: form.audience?.toLowerCase() || undefined,
    requestedTokenType: form.requested_token_type || undefined,
  }
}

/**
 * Whether this caller gets this viewer's token now, and how. Evaluated again whenever time has passed or a fact has
 * changed.
 */
export function decide(
  request: Pick<ExchangeRequest, 'audience' | 'requestedTokenType'>,
  caller: KeyActor,
  subject: Subject,
  facts: Facts,
  policy: ExchangePolicy,
): Decision {
  const { now, content, visitor, callerUser, integration, grant } = facts
  const ofContent: Doubt = { kind: 'content', guid: subject.content }
  const ofVisitor: Doubt = { kind: 'user', guid: subject.userGuid }

  if (!visitor) return refuse(unknownSubject(), visitor === undefined && ofVisitor)
  if (!content) return refuse(notTheOwner(), content === undefined && ofContent)

  if (caller.type === 'content_key') {
    if (caller.content !== subject.content) return refuse(notTheOwner())
  } else {
    if (policy.requireContentKeys) return refuse(notTheOwner('This server wants a key that is bound to the content.'))
    if (caller.user !== content.owner_guid) return refuse(notTheOwner())
    if (!callerUser) return refuse(notTheOwner(), callerUser === undefined && { kind: 'user', guid: caller.user })
    if (callerUser.locked || !isAtLeast(lower(caller.role, callerUser.user_role), 'publisher'))
      return refuse(notTheOwner())
  }

  const session = visitor.sessions.find(({ sid }) => sid === subject.sid)
  if (!session) return refuse(badSubjectToken('The session of this token has ended.'), ofVisitor)
  if (new Date(session.expires_at) <= now) return refuse(badSubjectToken('The session of this token has ended.'))

  if (!mayView(content, { guid: visitor.guid, locked: visitor.locked, groupGuids: facts.liveGroupGuids })) {
    // A locked user or item is a negative fact and certain; an entry that is missing may be on its way.
    const certain = visitor.locked || content.locked
    const groups = facts.unknownGroupGuids.map((guid): Doubt => ({ kind: 'group', guid }))
    return refuse(mayNotView(), ...(certain ? [] : [ofContent, ofVisitor, ...groups]))
  }

  const { associations } = content
  if (associations.length === 0) return refuse(noAssociation(), ofContent)
  if (request.audience === undefined && associations.length > 1) return refuse(audienceMissing())
  const associated = associations.find(
    ({ oauth_integration_guid }) => !request.audience || oauth_integration_guid === request.audience,
  )
  if (!associated) return refuse(notAssociated(), ofContent)
  if (!integration)
    return refuse(
      notAssociated(),
      integration === undefined && { kind: 'integration', guid: associated.oauth_integration_guid },
    )

  if (integration.auth_type === 'Service Account') return refuse(authTypeMismatch())
  // What is to be traded for something else is not given out itself.
  if (integration.auth_type !== 'Viewer' || integration.issues) return refuse(noHandler())
  // Asked again here: the content may have been deployed as something else since it was associated.
  if (content.kind === 'rendered' || content.kind === 'static') return refuse(kindUnsupported(content.kind), ofContent)
  if (content.access_type === 'all') return refuse(openToEverybody(), ofContent)
  if ((request.requestedTokenType ?? REQUESTED_TOKEN_TYPE.accessToken) !== REQUESTED_TOKEN_TYPE.accessToken)
    return refuse(wrongRequestedType())

  const consentUrl = policy.consentUrl(integration.guid)
  if (!grant || grant.status === 'revoked') return refuse(noGrant(consentUrl))
  if (grant.status === 'consent_required') return refuse(consentRequired(consentUrl, grant.consentReason))
  if (!grant.expiresAt && integration.quirks.includes('omits_expires_in') && grant.hasRefreshToken) {
    const since = grant.tokenSince ? (now.getTime() - grant.tokenSince.getTime()) / 1000 : Infinity
    if (since > UNTOLD_LIFE_SECONDS) return { verdict: 'refresh', integration, grant, oldIsValid: true }
  }
  const secondsLeft = grant.expiresAt ? (grant.expiresAt.getTime() - now.getTime()) / 1000 : Infinity
  if (secondsLeft > USABLE_SECONDS) return { verdict: 'issue', integration, grant }
  const oldIsValid = secondsLeft > 0
  if (grant.hasRefreshToken) return { verdict: 'refresh', integration, grant, oldIsValid }
  return oldIsValid ? { verdict: 'issue', integration, grant } : refuse(noRefreshToken(consentUrl))
}

/** The provider refused the refresh token: only the user can mend that (219). */
const consentRequired = (consentUrl: string, reason?: ConsentReason | null): DomainError =>
  refusal(
    'grant.refresh_failed',
    'consent_required',
    reason === 'rotation_in_doubt'
      ? 'A renewed authorization was lost on its way from the provider; the viewer has to consent again.'
      : 'The provider wants the viewer to consent again.',
    { consent_url: consentUrl, ...(reason === 'rotation_in_doubt' && { reason }) },
  )

/** The viewer's consent has run out and cannot be renewed without them (235). */
const noRefreshToken = (consentUrl: string): DomainError =>
  refusal(
    'grant.no_refresh_token',
    'consent_required',
    'No refresh token found in the provider’s response; perhaps the integration’s scopes lack offline_access.',
    { consent_url: consentUrl },
  )

/** The provider refuses us, not the viewer: an administrator can mend it (241). */
export const misconfigured = (error: string | null): DomainError =>
  refusal(
    'token_endpoint.failed',
    'server_error',
    'The provider refuses this integration; its administrator has to look at its settings.',
    error === null ? {} : { provider_error: error },
  )

/** The provider does not answer as it should: time can mend it (241). */
export const providerUnavailable = (): DomainError =>
  new DomainError('unavailable', 'token_endpoint.unavailable', 'The provider does not answer; try again later.', {
    payload: { oauth_error: 'temporarily_unavailable' },
  })

/** @throws never; for `subject_token` in whatever way it is bad (215) */
export const badSubjectToken = (message = 'The subject_token is not a valid user session token.'): DomainError =>
  refusal('exchange.subject_token', 'invalid_request', message)

export const wrongIssuer = (): DomainError =>
  refusal('exchange.subject_token_issuer', 'invalid_request', 'The subject_token is from another issuer.')

export const unknownSubject = (): DomainError =>
  refusal('exchange.subject_token_subject', 'invalid_request', 'The subject_token is about nobody who is known here.')

const notTheOwner = (
  message = 'The key is neither one of the content’s owner, with the role publisher or more, nor bound to the content.',
): DomainError =>
  new DomainError('forbidden', 'permission.denied', message, { payload: { oauth_error: 'unauthorized_client' } })

const mayNotView = (): DomainError =>
  new DomainError('forbidden', 'content.access_denied', 'The viewer may not see this content.', {
    payload: { oauth_error: 'invalid_request' },
  })

const noAssociation = (): DomainError =>
  refusal('association.none', 'invalid_target', 'No OAuth integrations have been associated with this content item.')

const audienceMissing = (): DomainError =>
  refusal(
    'exchange.audience_missing',
    'invalid_request',
    'Several integrations are associated with this content: name one as audience.',
  )

const notAssociated = (): DomainError =>
  refusal('exchange.audience', 'invalid_target', 'The audience is no integration that is associated with this content.')

const authTypeMismatch = (): DomainError =>
  refusal(
    'exchange.auth_type_mismatch',
    'invalid_request',
    'This integration is a Service Account; a user session token is for Viewer integrations.',
  )

const kindUnsupported = (kind: string): DomainError =>
  refusal(
    'association.unsupported_auth_type',
    'invalid_target',
    `${kind} content has no viewer whose token it could have.`,
  )

const openToEverybody = (): DomainError =>
  refusal(
    'association.unsupported_auth_type',
    'invalid_target',
    'Content that is open to everybody has no viewer whose token it could have.',
  )

const noHandler = (): DomainError =>
  refusal('exchange.no_handler', 'invalid_request', 'This kind of integration gives no tokens yet.')

const wrongRequestedType = (): DomainError =>
  refusal(
    'exchange.requested_token_type',
    'invalid_request',
    `This integration gives ${REQUESTED_TOKEN_TYPE.accessToken} only.`,
  )

const noGrant = (consentUrl: string): DomainError =>
  refusal('grant.none', 'consent_required', 'The viewer has not consented to this integration yet.', {
    consent_url: consentUrl,
  })

/** Numbers and statuses are for existing clients; `oauth_error` is the RFC's word for those who want it. */
function refusal(code: string, oauthError: string, message: string, more: Record<string, unknown> = {}): DomainError {
  return new DomainError('invalid', code, message, { payload: { oauth_error: oauthError, ...more } })
}

const refuse = (error: DomainError, ...doubts: (Doubt | false)[]): Decision => ({
  verdict: 'refuse',
  error,
  doubts: doubts.filter((doubt) => doubt !== false),
})
