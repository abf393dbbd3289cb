import {
  DomainError,
  GRANT_TYPE_TOKEN_EXCHANGE,
  isAtLeast,
  lower,
  mayView,
  obstacleTo,
  REQUESTED_TOKEN_TYPE,
  SUBJECT_TOKEN_TYPE,
  type Actor,
  type ContentState,
  type IntegrationState,
  type Role,
  type UserSessionClaims,
  type UserState,
} from '#libs/contracts'
import type { GrantFacts } from '../grant/grant.queries.js'
import { clientFingerprint } from '../provider/client-fingerprint.js'
import { fingerprintOf, isUsable, type ServiceTokenFacts } from '../service-account/service-token.js'

/** Seconds that an access token must still be good for to be handed out without a refresh. */
const USABLE_SECONDS = 5

/** Seconds that an ID token must still be good for to be sent away: its reader has a clock of its own. */
const TRADABLE_SECONDS = 15

/** Seconds after which a provider is asked again for an ID token that it has not given, or not a good one. */
const ID_TOKEN_AGAIN_SECONDS = 60

/**
 * Seconds after which a token is refreshed whose provider does not say how long it lasts: less than the shortest session,
 * 15 minutes, that the one such provider we know of can be set to.
 * @see https://help.salesforce.com/s/articleView?id=xcloud.admin_sessions.htm
 */
const UNTOLD_LIFE_SECONDS = 600

/** Whose call the exchange answers. */
export type KeyActor = Extract<Actor, { type: 'key' | 'content_key' }>

/** A form that is worth looking up facts for. */
export interface ExchangeRequest {
  readonly subjectType: Subject['type']
  readonly subjectToken: string
  readonly audience: string | undefined
  readonly requestedTokenType: string | undefined
}

/** A verified user session token: somebody in one content item. */
export interface Viewer extends UserSessionClaims {
  readonly type: 'viewer'
  readonly userGuid: string
}

/** A verified content session token: the item itself, whoever visits it. */
export interface Content {
  readonly type: 'content'
  readonly content: string
}

export type Subject = Viewer | Content

/** `undefined`: never heard of; `null`: deleted, which is certain. */
export type Known<State> = State | null | undefined

/** All that the decision rests on, as one statement found it. */
export interface Facts {
  /** The database's clock. */
  readonly now: Date
  readonly content: Known<ContentState>
  /** The subject, if it is a person. */
  readonly visitor: Known<UserState>
  /** The person whose key it is. */
  readonly callerUser: Known<UserState>
  /** Of the visitor's groups, those that exist. */
  readonly liveGroupGuids: readonly string[]
  /** Of the visitor's groups, those nobody has told us of. */
  readonly unknownGroupGuids: readonly string[]
  /** The one that `audience` names or, without an audience, the only one that is associated. */
  readonly integration: Known<IntegrationState>
  readonly grant: GrantFacts | undefined
  /** The token of the service account that is at hand, good or not. */
  readonly serviceToken: ServiceTokenFacts | undefined
}

/** A document of another service that may have been missed. */
export interface Doubt {
  readonly kind: 'content' | 'user' | 'group' | 'integration'
  readonly guid: string
}

export type Decision =
  | {
      readonly verdict: 'issue'
      readonly viewer: Viewer
      readonly integration: IntegrationState
      readonly grant: GrantFacts
    }
  | {
      readonly verdict: 'refresh'
      readonly viewer: Viewer
      readonly integration: IntegrationState
      readonly grant: GrantFacts
      /** Whether the old token may still be handed out when the refresh fails. */
      readonly oldIsValid: boolean
    }
  | {
      /** The token of a service account. */
      readonly verdict: 'issue_service'
      readonly integration: IntegrationState
      readonly token: ServiceTokenFacts
    }
  | { readonly verdict: 'obtain_service'; readonly integration: IntegrationState }
  | {
      /** An ID token, of the viewer's grant or made for the content, is traded for what the integration issues. */
      readonly verdict: 'trade'
      readonly integration: IntegrationState
      /** `undefined`: the content itself is the subject. */
      readonly grant: GrantFacts | undefined
    }
  | {
      /** A key of the viewer's own for this server, of at most this role. */
      readonly verdict: 'visitor_key'
      readonly viewer: Viewer
      readonly integration: IntegrationState
      readonly role: Role
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
  /** Where the viewer consents, to come back to the content. */
  readonly consentUrl: (integrationGuid: string, contentGuid: string) => string
}

const SUBJECT_TYPES: ReadonlyMap<string, Subject['type']> = new Map([
  [SUBJECT_TOKEN_TYPE.userSession, 'viewer'],
  [SUBJECT_TOKEN_TYPE.contentSession, 'content'],
])

/**
 * What can be said of a request before anything is looked up.
 * @throws DomainError 22, 213, 214, 215, 236 (`libs/contracts/src/errors.ts`)
 * @see RFC 8693 §2.1
 */
export function readRequest(form: Readonly<Record<string, string>>, caller: KeyActor): ExchangeRequest {
  // A key that content has for a visit is its visitor's, not the content's own.
  if (caller.type === 'key' && (caller.visit !== undefined || !isAtLeast(caller.role, 'publisher'))) throw notTheOwner()
  if (form.grant_type !== GRANT_TYPE_TOKEN_EXCHANGE)
    throw refusal('exchange.grant_type', 'unsupported_grant_type', `grant_type must be ${GRANT_TYPE_TOKEN_EXCHANGE}.`)
  const subjectType = SUBJECT_TYPES.get(form.subject_token_type ?? '')
  if (!subjectType)
    throw refusal(
      'exchange.subject_token_type',
      'invalid_request',
      `subject_token_type must be ${[...SUBJECT_TYPES.keys()].join(' or ')}.`,
    )
  // As it stands in a file, perhaps with the end of its line.
  const subjectToken = form.subject_token?.trim()
  if (!subjectToken) throw subjectType === 'viewer' ? badSubjectToken() : badContentToken()
  return {
    subjectType,
    subjectToken,
    audience: form.audience?.toLowerCase() || undefined,
    requestedTokenType: form.requested_token_type || undefined,
  }
}

/**
 * Whether this caller gets this subject's token now, and how. Evaluated again whenever time has passed or a fact has
 * changed.
 */
export function decide(
  request: Pick<ExchangeRequest, 'audience' | 'requestedTokenType'>,
  caller: KeyActor,
  subject: Subject,
  facts: Facts,
  policy: ExchangePolicy,
): Decision {
  const { content, visitor, integration } = facts
  const ofContent: Doubt = { kind: 'content', guid: subject.content }

  if (subject.type === 'viewer' && !visitor)
    return refuse(unknownSubject(), visitor === undefined && { kind: 'user', guid: subject.userGuid })
  if (!content) return refuse(notTheOwner(), content === undefined && ofContent)
  const refused =
    ofCaller(caller, content, facts, policy) ??
    (subject.type === 'viewer' ? ofViewer(subject, visitor!, content, facts) : ofLock(content))
  if (refused) return refused

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

  if ((integration.auth_type === 'Service Account') !== (subject.type === 'content'))
    return refuse(authTypeMismatch(integration, subject))
  const isOfVisitor = integration.auth_type === 'Visitor API Key'
  const given = integration.issues?.type ?? REQUESTED_TOKEN_TYPE.accessToken
  if (isOfVisitor !== (given === REQUESTED_TOKEN_TYPE.apiKey)) return refuse(noHandler())
  // Asked again here: the content may have been deployed as something else since it was associated.
  const obstacle = obstacleTo(integration.auth_type, content)
  if (obstacle) return refuse(obstacle === 'kind' ? kindUnsupported(content.kind) : openToEverybody(), ofContent)
  if ((request.requestedTokenType ?? REQUESTED_TOKEN_TYPE.accessToken) !== given)
    return refuse(
      subject.type === 'content' && request.requestedTokenType === REQUESTED_TOKEN_TYPE.apiKey
        ? noKeyForContent()
        : wrongRequestedType(given),
    )
  if (isOfVisitor && subject.type === 'viewer') return ofVisitorKey(subject, visitor!, integration)
  if (subject.type === 'viewer') return ofGrant(subject, integration, facts, policy)
  return given === REQUESTED_TOKEN_TYPE.temporaryCredentials
    ? { verdict: 'trade', integration, grant: undefined }
    : ofServiceAccount(integration, facts)
}

/** Whether the caller may ask for this content at all (22). */
function ofCaller(
  caller: KeyActor,
  content: ContentState,
  { callerUser }: Facts,
  policy: ExchangePolicy,
): Decision | undefined {
  if (caller.type === 'content_key') {
    if (caller.content !== content.guid) return refuse(notTheOwner())
  } else if (policy.requireContentKeys) {
    return refuse(notTheOwner('This server wants a key that is bound to the content.'))
  }
  const person = caller.type === 'key' ? caller.user : caller.owner
  if (person !== content.owner_guid) return refuse(notTheOwner())
  if (!callerUser) return refuse(notTheOwner(), callerUser === undefined && { kind: 'user', guid: person })
  const role = caller.type === 'key' ? lower(caller.role, callerUser.user_role) : callerUser.user_role
  return callerUser.locked || !isAtLeast(role, 'publisher') ? refuse(notTheOwner()) : undefined
}

/** Whether the viewer's session lives (215) and they may see the content (19). */
function ofViewer(subject: Viewer, visitor: UserState, content: ContentState, facts: Facts): Decision | undefined {
  const ofVisitor: Doubt = { kind: 'user', guid: subject.userGuid }
  const session = visitor.sessions.find(({ sid }) => sid === subject.sid)
  if (!session) return refuse(badSubjectToken('The session of this token has ended.'), ofVisitor)
  if (new Date(session.expires_at) <= facts.now) return refuse(badSubjectToken('The session of this token has ended.'))
  if (mayView(content, { guid: visitor.guid, locked: visitor.locked, groupGuids: facts.liveGroupGuids }))
    return undefined
  // A locked user or item is a negative fact and certain; an entry that is missing may be on its way.
  const certain = visitor.locked || content.locked
  const groups = facts.unknownGroupGuids.map((guid): Doubt => ({ kind: 'group', guid }))
  return refuse(
    mayNotView(),
    ...(certain ? [] : [{ kind: 'content', guid: content.guid } as const, ofVisitor, ...groups]),
  )
}

const ofLock = ({ locked }: ContentState): Decision | undefined => (locked ? refuse(contentLocked()) : undefined)

/** How the viewer's consent stands: good, to be refreshed, or wanting the viewer (219, 220, 235). */
function ofGrant(viewer: Viewer, integration: IntegrationState, facts: Facts, policy: ExchangePolicy): Decision {
  const { now, grant } = facts
  const consentUrl = policy.consentUrl(integration.guid, viewer.content)
  if (!grant || grant.status === 'revoked') return refuse(noGrant(consentUrl))
  // What another provider has given is no token of this one.
  if (grant.client !== clientFingerprint(integration)) return refuse(noGrant(consentUrl))
  if (grant.status === 'consent_required') return refuse(consentRequired(consentUrl, grant.consentReason))
  // What is to be traded for something else is not given out itself.
  if (integration.issues?.type === REQUESTED_TOKEN_TYPE.temporaryCredentials)
    return ofIdToken(viewer, integration, grant, now, consentUrl)
  const issue: Decision = { verdict: 'issue', viewer, integration, grant }
  const refresh = (oldIsValid: boolean): Decision => ({ verdict: 'refresh', viewer, integration, grant, oldIsValid })
  if (!grant.expiresAt && grant.hasRefreshToken) {
    const since = grant.tokenSince ? (now.getTime() - grant.tokenSince.getTime()) / 1000 : Infinity
    if (since > UNTOLD_LIFE_SECONDS) return refresh(true)
  }
  const secondsLeft = grant.expiresAt ? (grant.expiresAt.getTime() - now.getTime()) / 1000 : Infinity
  if (secondsLeft > USABLE_SECONDS) return issue
  const oldIsValid = secondsLeft > 0
  if (grant.hasRefreshToken) return refresh(oldIsValid)
  return oldIsValid ? issue : refuse(noRefreshToken(consentUrl))
}

/** How the viewer's ID token stands: good, to be got by a refresh, or wanting somebody to mend it (235, 251, 275, 276). */
function ofIdToken(
  viewer: Viewer,
  integration: IntegrationState,
  grant: GrantFacts,
  now: Date,
  consentUrl: string,
): Decision {
  const { idTokenExpiresAt: end, idTokenFault: fault, hasRefreshToken, tokenSince } = grant
  if (end && (end.getTime() - now.getTime()) / 1000 > TRADABLE_SECONDS) return { verdict: 'trade', integration, grant }
  const since = tokenSince ? (now.getTime() - tokenSince.getTime()) / 1000 : Infinity
  if (hasRefreshToken && (!fault || since > ID_TOKEN_AGAIN_SECONDS))
    return { verdict: 'refresh', viewer, integration, grant, oldIsValid: false }
  if (end) return refuse(noRefreshToken(consentUrl))
  switch (fault) {
    case 'invalid':
      return refuse(idTokenInvalid())
    case 'unverified':
      return refuse(idTokenUnverified())
    default:
      return refuse(noIdToken(consentUrl))
  }
}

/** The lower of what the integration permits and what the viewer is (244). */
function ofVisitorKey(viewer: Viewer, { user_role }: UserState, integration: IntegrationState): Decision {
  const most = integration.issues?.max_role
  return most ? { verdict: 'visitor_key', viewer, integration, role: lower(most, user_role) } : refuse(maxRoleMissing())
}

const ofServiceAccount = (integration: IntegrationState, { now, serviceToken }: Facts): Decision =>
  serviceToken && isUsable(serviceToken, fingerprintOf(integration), now)
    ? { verdict: 'issue_service', integration, token: serviceToken }
    : { verdict: 'obtain_service', integration }

/** The provider refused the refresh token: only the user can mend that (219). */
const consentRequired = (consentUrl: string, reason: GrantFacts['consentReason']): DomainError =>
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

/** The provider gave no ID token with its tokens, or none that lasts as long (276). */
const noIdToken = (consentUrl: string): DomainError =>
  refusal(
    'grant.no_id_token',
    'consent_required',
    'The provider gave no ID token. The integration’s scopes need openid; if they have it, the viewer has to consent again.',
    { consent_url: consentUrl },
  )

/** An ID token that is not for us, or not of the integration's issuer (251). */
const idTokenInvalid = (): DomainError =>
  refusal(
    'grant.id_token_invalid',
    'server_error',
    'The provider’s ID token is not good; the integration’s administrator has to look at its issuer and client ID.',
  )

/** Nobody can say whether the ID token is good (275). */
const idTokenUnverified = (): DomainError =>
  refusal(
    'grant.id_token_unverified',
    'server_error',
    'The keys of the ID token’s issuer cannot be had; if that lasts, look at the integration’s issuer.',
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

/** A content session token in whatever way it is bad (236). */
export const badContentToken = (): DomainError =>
  refusal(
    'exchange.content_session_token',
    'invalid_request',
    'The subject_token is not a valid content session token.',
  )

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

const contentLocked = (): DomainError =>
  new DomainError('forbidden', 'content.access_denied', 'This content is locked.', {
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

const authTypeMismatch = ({ guid, auth_type }: IntegrationState, { type }: Subject): DomainError =>
  refusal(
    'exchange.auth_type_mismatch',
    'invalid_request',
    `OAuth integration ${guid} does not support ${type === 'viewer' ? 'Viewer' : 'Service Account'} auth flows: its ` +
      `authentication type is ${auth_type}.`,
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

const wrongRequestedType = (expected: string): DomainError =>
  refusal('exchange.requested_token_type', 'invalid_request', `Invalid requested_token_type. Expected '${expected}'`)

const maxRoleMissing = (): DomainError =>
  refusal('exchange.max_role', 'invalid_target', 'The integration does not say which role its keys have at most.')

const noKeyForContent = (): DomainError =>
  refusal(
    'exchange.subject_and_requested_type',
    'invalid_request',
    'Content has no API key of its own to be given: that is for a viewer’s session token.',
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
