import { DomainError, type IntegrationState } from '#libs/contracts'
import type { GrantFacts } from '../grant/grant.queries.js'

/** The provider refused the refresh token: only the user can mend that (219). */
export const consentRequired = (consentUrl: string, reason: GrantFacts['consentReason']): DomainError =>
  refusal(
    'grant.refresh_failed',
    'consent_required',
    reason === 'rotation_in_doubt'
      ? 'A renewed authorization was lost on its way from the provider; the viewer has to consent again.'
      : 'The provider wants the viewer to consent again.',
    { consent_url: consentUrl, ...(reason === 'rotation_in_doubt' && { reason }) },
  )

/** The viewer's consent has run out and cannot be renewed without them (235). */
export const noRefreshToken = (consentUrl: string): DomainError =>
  refusal(
    'grant.no_refresh_token',
    'consent_required',
    'No refresh token found in the provider’s response; perhaps the integration’s scopes lack offline_access.',
    { consent_url: consentUrl },
  )

/** The provider gave no ID token with its tokens, or none that lasts as long (276). */
export const noIdToken = (consentUrl: string): DomainError =>
  refusal(
    'grant.no_id_token',
    'consent_required',
    'The provider gave no ID token. The integration’s scopes need openid; if they have it, the viewer has to consent again.',
    { consent_url: consentUrl },
  )

/** An ID token that is not for us, or not of the integration's issuer (251). */
export const idTokenInvalid = (): DomainError =>
  refusal(
    'grant.id_token_invalid',
    'server_error',
    'The provider’s ID token is not good; the integration’s administrator has to look at its issuer and client ID.',
  )

/** Nobody can say whether the ID token is good (275). */
export const idTokenUnverified = (): DomainError =>
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

/** A `subject_token` in whatever way it is bad (215). */
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

export const notTheOwner = (
  message = 'The key is neither one of the content’s owner, with the role publisher or more, nor bound to the content.',
): DomainError =>
  new DomainError('forbidden', 'permission.denied', message, { payload: { oauth_error: 'unauthorized_client' } })

export const mayNotView = (): DomainError =>
  new DomainError('forbidden', 'content.access_denied', 'The viewer may not see this content.', {
    payload: { oauth_error: 'invalid_request' },
  })

export const contentLocked = (): DomainError =>
  new DomainError('forbidden', 'content.access_denied', 'This content is locked.', {
    payload: { oauth_error: 'invalid_request' },
  })

export const noAssociation = (): DomainError =>
  refusal('association.none', 'invalid_target', 'No OAuth integrations have been associated with this content item.')

export const audienceMissing = (): DomainError =>
  refusal(
    'exchange.audience_missing',
    'invalid_request',
    'Several integrations are associated with this content: name one as audience.',
  )

export const notAssociated = (): DomainError =>
  refusal('exchange.audience', 'invalid_target', 'The audience is no integration that is associated with this content.')

export const authTypeMismatch = ({ guid, auth_type }: IntegrationState, type: 'viewer' | 'content'): DomainError =>
  refusal(
    'exchange.auth_type_mismatch',
    'invalid_request',
    `OAuth integration ${guid} does not support ${type === 'viewer' ? 'Viewer' : 'Service Account'} auth flows: its ` +
      `authentication type is ${auth_type}.`,
  )

export const kindUnsupported = (kind: string): DomainError =>
  refusal(
    'association.unsupported_auth_type',
    'invalid_target',
    `${kind} content has no viewer whose token it could have.`,
  )

export const openToEverybody = (): DomainError =>
  refusal(
    'association.unsupported_auth_type',
    'invalid_target',
    'Content that is open to everybody has no viewer whose token it could have.',
  )

export const noHandler = (): DomainError =>
  refusal('exchange.no_handler', 'invalid_request', 'This kind of integration gives no tokens yet.')

export const wrongRequestedType = (expected: string): DomainError =>
  refusal('exchange.requested_token_type', 'invalid_request', `Invalid requested_token_type. Expected '${expected}'`)

export const maxRoleMissing = (): DomainError =>
  refusal('exchange.max_role', 'invalid_target', 'The integration does not say which role its keys have at most.')

export const noKeyForContent = (): DomainError =>
  refusal(
    'exchange.subject_and_requested_type',
    'invalid_request',
    'Content has no API key of its own to be given: that is for a viewer’s session token.',
  )

export const noGrant = (consentUrl: string): DomainError =>
  refusal('grant.none', 'consent_required', 'The viewer has not consented to this integration yet.', {
    consent_url: consentUrl,
  })

/** Numbers and statuses are for existing clients; `oauth_error` is the RFC's word for those who want it. */
export function refusal(
  code: string,
  oauthError: string,
  message: string,
  more: Record<string, unknown> = {},
): DomainError {
  return new DomainError('invalid', code, message, { payload: { oauth_error: oauthError, ...more } })
}
