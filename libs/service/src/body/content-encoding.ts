import type { IncomingMessage, ServerResponse } from 'node:http'
import { DomainError } from '#libs/contracts'

/**
 * What is packed is not unpacked: few bytes could become gigabytes.
 * @throws DomainError `request.body_encoded`, and says what would be taken
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-15.5.16
 */
export function mustNotBeEncoded({
  headers,
  res,
}: IncomingMessage & { readonly res?: ServerResponse | undefined }): void {
  const encoding = headers['content-encoding']
  if (encoding === undefined || encoding.toLowerCase() === 'identity') return
  res?.setHeader('Accept-Encoding', 'identity')
  throw new DomainError('invalid', 'request.body_encoded', 'The body has a content encoding; send it without.')
}
