import type { DomainError, ErrorKind } from './domain-error.js'

/** What a refusal is on the wire: the API's error number and the HTTP status. */
export interface ErrorNumber {
  readonly number: number
  readonly status: number
}

/**
 * Our codes and the numbers that existing clients know. This table alone decides the status; `kind` only says who can
 * mend it, and gives a status to codes without a row.
 */
export const ERROR_NUMBERS: Readonly<Record<string, ErrorNumber>> = {
  'request.id_invalid': { number: 3, status: 400 },
  'object.not_found': { number: 4, status: 404 },
  'integration.not_found': { number: 4, status: 404 },
  'content.not_found': { number: 4, status: 404 },
  'api_key.not_found': { number: 4, status: 404 },
  'content.name_invalid': { number: 5, status: 400 },
  'user.username_invalid': { number: 7, status: 400 },
  'user.username_taken': { number: 8, status: 409 },
  'user.not_found': { number: 9, status: 404 },
  'audit.filter_invalid': { number: 11, status: 400 },
  'request.parameter_missing': { number: 12, status: 400 },
  'group.name_invalid': { number: 14, status: 400 },
  'group.name_taken': { number: 15, status: 409 },
  'group.already_a_member': { number: 16, status: 409 },
  'group.not_a_member': { number: 17, status: 404 },
  'content.access_denied': { number: 19, status: 403 },
  'permission.denied': { number: 22, status: 403 },
  'role.not_grantable': { number: 23, status: 403 },
  'authentication.required': { number: 24, status: 401 },
  'request.parameter_invalid': { number: 25, status: 400 },
  'content.name_taken': { number: 26, status: 409 },
  'authentication.failed': { number: 30, status: 401 },
  'user.field_of_provider': { number: 46, status: 400 },
  'login.not_provisioned': { number: 47, status: 403 },
  'user.may_not_lock': { number: 49, status: 403 },
  'user.locked': { number: 50, status: 403 },
  'user.last_administrator': { number: 61, status: 400 },
  'api_key.name_blank': { number: 62, status: 400 },
  'group.owner_not_settable': { number: 66, status: 400 },
  'stream.conflict': { number: 80, status: 409 },
  'request.body_unreadable': { number: 87, status: 400 },
  'request.body_too_slow': { number: 87, status: 408 },
  'request.body_too_large': { number: 87, status: 413 },
  'request.xsrf_mismatch': { number: 92, status: 403 },
  'request.authentication_type': { number: 95, status: 403 },
  'request.json_invalid': { number: 121, status: 400 },
  'content.title_invalid': { number: 122, status: 400 },
  'content.description_invalid': { number: 123, status: 400 },
  'role.unknown': { number: 112, status: 400 },
  'user.username_prohibited': { number: 107, status: 400 },
  'content.access_type_unknown': { number: 117, status: 400 },
  'group.temp_ticket_unsupported': { number: 119, status: 400 },
  'group.unique_id_blank': { number: 130, status: 400 },
  'group.unique_id_taken': { number: 131, status: 400 },
  'group.no_remote_search': { number: 132, status: 400 },
  'group.off': { number: 132, status: 400 },
  'group.not_found': { number: 153, status: 404 },
  'group.owner_cannot_publish': { number: 156, status: 403 },
  'content.owner_cannot_publish': { number: 156, status: 403 },
  'bootstrap.users_exist': { number: 165, status: 403 },
  'bootstrap.token_invalid': { number: 166, status: 401 },
  'association.integration_unknown': { number: 207, status: 400 },
  'association.invalid': { number: 208, status: 400 },
  'form.missing': { number: 210, status: 400 },
  'form.unreadable': { number: 211, status: 400 },
  'association.none': { number: 212, status: 400 },
  'exchange.grant_type': { number: 213, status: 400 },
  'exchange.subject_token_type': { number: 214, status: 400 },
  'exchange.subject_token': { number: 215, status: 400 },
  'exchange.subject_token_issuer': { number: 216, status: 400 },
  'exchange.subject_token_subject': { number: 217, status: 400 },
  'grant.refresh_failed': { number: 219, status: 400 },
  'grant.none': { number: 220, status: 404 },
  'integration.name_invalid': { number: 225, status: 400 },
  'integration.description_invalid': { number: 226, status: 400 },
  'template.not_found': { number: 227, status: 404 },
  'integration.config_invalid': { number: 228, status: 400 },
  'integration.template_fixed': { number: 229, status: 400 },
  'consent.invalid': { number: 230, status: 400 },
  'api_key.role': { number: 234, status: 400 },
  'grant.no_refresh_token': { number: 235, status: 400 },
  'exchange.content_session_token': { number: 236, status: 400 },
  'association.unsupported_auth_type': { number: 237, status: 400 },
  'token_endpoint.failed': { number: 241, status: 400 },
  'token_endpoint.unavailable': { number: 241, status: 503 },
  'exchange.requested_token_type': { number: 242, status: 400 },
  'exchange.no_handler': { number: 250, status: 400 },
  'exchange.auth_type_mismatch': { number: 252, status: 400 },
  'exchange.audience': { number: 256, status: 400 },
  'exchange.audience_missing': { number: 257, status: 400 },
  'association.duplicate': { number: 258, status: 400 },
  'request.rate_limited': { number: 277, status: 429 },
}

const BY_KIND: Readonly<Record<ErrorKind, ErrorNumber>> = {
  invalid: { number: 25, status: 400 },
  unauthenticated: { number: 30, status: 401 },
  forbidden: { number: 22, status: 403 },
  not_found: { number: 4, status: 404 },
  conflict: { number: 80, status: 409 },
  unavailable: { number: 1, status: 503 },
}

export function errorNumber(error: DomainError): ErrorNumber {
  return ERROR_NUMBERS[error.code] ?? BY_KIND[error.kind]
}
