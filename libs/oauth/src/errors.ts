/** Who can mend a failed refresh: nobody but time, an administrator, or the user. */
export type Fate = 'retry' | 'misconfigured' | 'consent_required'

/**
 * What a token endpoint's refusal of a *refresh* means for the grant. (On a code exchange `invalid_grant` is about
 * the code.) Vendor words are turned into the RFC's by a quirk before this.
 * @param error the `error` member of the body; absent when no OAuth answer came at all
 * @see RFC 6749 §5.2, OpenID Connect Core §3.1.2.6, RFC 8707 §2; `error_description` is for people and is never read here
 */
export function fateOf(error: string | undefined): Fate {
  switch (error) {
    case 'invalid_grant':
    case 'interaction_required':
    case 'consent_required':
    case 'login_required':
      return 'consent_required'
    case 'invalid_client':
    case 'unauthorized_client':
    case 'invalid_scope':
    case 'invalid_target':
    case 'invalid_resource': // the same, in the words of a large provider
    case 'invalid_request':
    case 'unsupported_grant_type':
      return 'misconfigured'
    default:
      return 'retry'
  }
}

export interface TokenEndpointFault {
  readonly fate: Fate
  /** What went wrong, for logs: a word of ours, never the provider's. */
  readonly reason: string
  /** The provider's `error` code (RFC 6749 §5.2), if it gave one that may be repeated. */
  readonly error?: string
  /** The HTTP status, if an answer came. */
  readonly status?: number
  /** The request may have reached the provider, but no answer was understood: it may have been carried out. */
  readonly inDoubt: boolean
  /** `false` only when no byte of the request can have reached the provider. */
  readonly sent: boolean
  /** Seconds, at most 300: what the provider asked for in `Retry-After` (RFC 9110 §10.2.3). */
  readonly retryAfterSeconds?: number
  /** The provider says in words of its own that it has too much to do, whatever the status. */
  readonly busy?: boolean
}

/** A token endpoint that gave no tokens. Holds no token, no secret and nobody's error, so that it may be logged whole. */
export class TokenEndpointError extends Error implements TokenEndpointFault {
  readonly fate: Fate
  readonly reason: string
  readonly error?: string
  readonly status?: number
  readonly inDoubt: boolean
  readonly sent: boolean
  readonly retryAfterSeconds?: number
  readonly busy?: boolean

  constructor(fault: TokenEndpointFault) {
    super(`token endpoint: ${fault.error ?? fault.reason}${fault.status === undefined ? '' : ` (${fault.status})`}`)
    this.name = 'TokenEndpointError'
    this.fate = fault.fate
    this.reason = fault.reason
    this.error = fault.error
    this.status = fault.status
    this.inDoubt = fault.inDoubt
    this.sent = fault.sent
    this.retryAfterSeconds = fault.retryAfterSeconds
    this.busy = fault.busy
  }
}
