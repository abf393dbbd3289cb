import type { Quirk } from '#libs/contracts'
import type { OutboundAnswer } from './outbound.js'

/** A year, in seconds: no provider is believed beyond it. */
const LONGEST_LIFE = 365 * 24 * 3600
/** Seconds that a token is taken to last whose lifetime is said, but is none (0, −1, `"NaN"`): never "for ever". */
const LIFE_INSTEAD = 3600
const LONGEST_TOKEN = 64 * 1024

/** What a token endpoint said, in the words of RFC 6749 §5, whatever words it used. */
export type TokenAnswer =
  | { readonly kind: 'tokens'; readonly members: TokenMembers }
  | { readonly kind: 'error'; readonly error: string }
  | { readonly kind: 'unintelligible' }

export interface TokenMembers {
  readonly access_token: string
  readonly token_type: string
  readonly refresh_token?: string
  readonly id_token?: string
  readonly scope?: string
  /** Seconds, an hour where what the provider says is no lifetime. Absent when it says nothing. */
  readonly expires_in?: number
}

/** Error codes of providers that say with status 200 what RFC 6749 §5.2 has a word for. */
const RFC_WORD: Readonly<Record<string, string>> = {
  // https://docs.github.com/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors
  bad_refresh_token: 'invalid_grant',
  bad_verification_code: 'invalid_grant',
  incorrect_client_credentials: 'invalid_client',
  redirect_uri_mismatch: 'invalid_request',
  unverified_user_email: 'interaction_required',
}

/**
 * Reads an answer as leniently as is safe: JSON under another content type, form encoding, a missing or unknown
 * `token_type`, numbers as text, empty members, and an error that comes with status 200. The quirk
 * `errors_with_status_200` translates that dialect's error codes too; `error_code_and_summary` takes `errorCode` for
 * `error`; `comma_separated_scope` puts the RFC's spaces between scopes.
 * @see https://github.com/databricks/databricks-sdk-py/blob/main/databricks/sdk/oauth.py (errorCode, errorSummary)
 * @see https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps (scopes with commas)
 */
export function readTokenAnswer({ status, headers, body }: OutboundAnswer, quirks: readonly Quirk[]): TokenAnswer {
  const members = parse(headers.get('content-type') ?? '', body.toString('utf8'))
  if (!members) return { kind: 'unintelligible' }
  const { access_token } = members
  const error = members.error ?? (quirks.includes('error_code_and_summary') ? members.errorCode : undefined)
  if (typeof error === 'string' && error !== '' && !isToken(access_token)) {
    const word = quirks.includes('errors_with_status_200') ? RFC_WORD[error] : undefined
    return { kind: 'error', error: word ?? error }
  }
  if (status < 200 || status > 299 || !isToken(access_token)) return { kind: 'unintelligible' }
  const { refresh_token, id_token, scope } = members
  return {
    kind: 'tokens',
    members: {
      access_token,
      token_type: tokenType(members['token_type']),
      ...(isToken(refresh_token) && { refresh_token }),
      ...(isToken(id_token) && { id_token }),
      ...(typeof scope === 'string' &&
        scope !== '' && { scope: quirks.includes('comma_separated_scope') ? scope.replaceAll(/,\s*/g, ' ') : scope }),
      ...expiresIn(members['expires_in']),
    },
  }
}

function parse(contentType: string, text: string): Readonly<Record<string, unknown>> | undefined {
  const mediaType = contentType.split(';')[0]?.trim().toLowerCase()
  // A page that happens to hold JSON is a login form or an error page, never an answer.
  if (mediaType === 'text/html') return undefined
  if (text.trimStart().startsWith('{')) {
    try {
      return JSON.parse(text) as Record<string, unknown>
    } catch {
      return undefined
    }
  }
  const form = Object.fromEntries(new URLSearchParams(text))
  return 'access_token' in form || 'error' in form ? form : undefined
}

/** RFC 6749 Appendix A.12: visible characters, so that nothing of it can break out of a header. */
const isToken = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= LONGEST_TOKEN && /^[\x20-\x7e]+$/.test(value)

const tokenType = (value: unknown): string =>
  typeof value === 'string' && /^[\w.-]{1,32}$/.test(value) && value.toLowerCase() !== 'bearer' ? value : 'Bearer'

function expiresIn(value: unknown): { expires_in?: number } {
  if (value === undefined || value === null || value === '') return {}
  const seconds = typeof value === 'string' ? Number.parseFloat(value) : value
  if (typeof seconds !== 'number' || Number.isNaN(seconds) || seconds < 1) return { expires_in: LIFE_INSTEAD }
  return { expires_in: Math.floor(Math.min(seconds, LONGEST_LIFE)) }
}
