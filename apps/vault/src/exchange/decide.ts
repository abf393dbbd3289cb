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
import { isTradable } from '../grant/id-token.js'
import { clientFingerprint } from '../provider/client-fingerprint.js'
import { fingerprintOf, isUsable, type ServiceTokenFacts } from '../service-account/service-token.js'
import {
  audienceMissing,
  authTypeMismatch,
  badContentToken,
  badSubjectToken,
  consentRequired,
  contentLocked,
  idTokenInvalid,
  idTokenUnverified,
  kindUnsupported,
  maxRoleMissing,
  mayNotView,
  noAssociation,
  noGrant,
  noHandler,
  noIdToken,
  noKeyForContent,
  noRefreshToken,
  notAssociated,
  notTheOwner,
  openToEverybody,
  refusal,
  unknownSubject,
  wrongRequestedType,
} from './refusals.js'

/** Seconds that an access token must still be good for to be handed out without a refresh. */
const USABLE_SECONDS = 5

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

/** The guid of the person whose key it is. */
export const keyOwner = (caller: KeyActor): string => (caller.type === 'key' ? caller.user : caller.owner)

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
    return refuse(authTypeMismatch(integration, subject.type))
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
  const person = keyOwner(caller)
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
  if (end && isTradable(end, now)) return { verdict: 'trade', integration, grant }
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

const refuse = (error: DomainError, ...doubts: (Doubt | false)[]): Decision => ({
  verdict: 'refuse',
  error,
  doubts: doubts.filter((doubt) => doubt !== false),
})
