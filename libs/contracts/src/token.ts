/** What makes each of our JWTs unmistakable: its `typ` header. One key set signs one `typ` and nothing else. */
export const TOKEN_TYP = {
  /** Proves the calling service. Signed by the caller with its own key; `iss` caller, `aud` callee; 60 s. */
  service: 'keybearer-service+jwt',
  /** Proves who acts. Signed by identity for one callee (`aud`); claim `actor`; 60 s. */
  actor: 'keybearer-actor+jwt',
  /** A viewer in one content item. Signed by identity; `iss` the server's address, `aud` vault, `sub` user guid. */
  userSession: 'keybearer-user-session+jwt',
  /** A content item that runs for itself. Signed by identity; `iss` the server's address, `aud` vault, `sub` content guid. */
  contentSession: 'keybearer-content-session+jwt',
  /**
   * A content item to the world outside, which knows no `typ` of ours. Signed by identity (RS256); `iss` the server's
   * address, `aud` who is to believe it, `sub` as `contentSubject` says; `CONTENT_ID_TOKEN_SECONDS`.
   */
  contentId: 'JWT',
} as const

/** How long an ID token of content is good: long enough to be traded once for something else. */
export const CONTENT_ID_TOKEN_SECONDS = 300

/** Who content is in an ID token of this server. Trust policies elsewhere name it, so that it never changes. */
export const contentSubject = (guid: string): string => `content:${guid}`

/** How long an actor assertion is good, at most: so long may somebody act without identity being asked again. */
export const ACTOR_ASSERTION_SECONDS = 60

/** The request header that carries the actor assertion between services; the gateway removes it from what comes in. */
export const ACTOR_HEADER = 'keybearer-actor'

/** Carries the token of `Authorization: Connect-Bootstrap` to identity, since that header is the service token's. */
export const BOOTSTRAP_HEADER = 'keybearer-bootstrap'

/** What content receives about its visitor; a client can never send these itself. */
export const USER_SESSION_TOKEN_HEADER = 'posit-connect-user-session-token'
export const CREDENTIALS_HEADER = 'rstudio-connect-credentials'

/**
 * What a client hears of the provider's directory beside a page of people. The gateway lets no header of a service
 * through that begins with our name, so this one does not.
 */
export const DIRECTORY_HEADER = 'directory-state'

/** Claims of a user session token, beside `iss`, `aud`, `sub` (user guid), `iat`, `exp`, `jti`. */
export interface UserSessionClaims {
  /** The content item that the token was minted for: the only one whose caller may present it. */
  content: string
  /** The browser session it hangs on; asked for at each exchange, so that a logout ends the token. */
  sid: string
}

/** RFC 8693 and the names of Posit Connect's HTTP API. */
export const GRANT_TYPE_TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const SUBJECT_TOKEN_TYPE = {
  userSession: 'urn:posit:connect:user-session-token',
  contentSession: 'urn:posit:connect:content-session-token',
} as const
export const REQUESTED_TOKEN_TYPE = {
  accessToken: 'urn:ietf:params:oauth:token-type:access_token',
  temporaryCredentials: 'urn:ietf:params:aws:token-type:credentials',
  apiKey: 'urn:posit:connect:api-key',
  idToken: 'urn:ietf:params:oauth:token-type:id_token',
} as const

/** How what content gets is used (RFC 8693 §2.2.1, `token_type`), by what it is. */
export const TOKEN_TYPE = {
  [REQUESTED_TOKEN_TYPE.accessToken]: 'Bearer',
  [REQUESTED_TOKEN_TYPE.apiKey]: 'Key',
  [REQUESTED_TOKEN_TYPE.temporaryCredentials]: 'aws_credentials',
} as const
export type IssuedTokenType = keyof typeof TOKEN_TYPE
