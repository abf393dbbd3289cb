import type { Request } from 'express'
import { DomainError } from '#libs/contracts'
import { contextOf } from '../request-context.js'
import { mustNotBeEncoded } from './content-encoding.js'
import { FORM_BODY } from './form-body.js'
import { isPlainJson, isPlainText } from './plain.js'
import { repeatedName } from './repeated-name.js'
import { STREAMED_BODY } from './streamed-body.js'

const MOST_BYTES = 1024 * 1024
const WITHIN_MS = 10_000
const FORM = 'application/x-www-form-urlencoded'

/** Reads a request's body once its caller has been admitted: `request.body` parsed, `RequestContext.rawBody` as it came. */
export class BodyReader {
  /** @param withinMs how long a whole body may take to arrive */
  constructor(private readonly withinMs = WITHIN_MS) {}

  /**
   * @throws DomainError `request.parameter_invalid` for a NUL character in path or query, `request.json_invalid`,
   *   `request.body_unreadable`, `request.body_encoded`, `request.body_too_large`, `request.body_too_slow`, `form.missing`,
   *   `form.unreadable`
   */
  async read(request: Request, controller: object, handler: object): Promise<void> {
    if (request.originalUrl.includes('%00')) {
      throw new DomainError('invalid', 'request.parameter_invalid', 'The address has a NUL character.')
    }
    const is = (kind: string): boolean => [handler, controller].some((each) => Reflect.getMetadata(kind, each) === true)
    if (is(STREAMED_BODY)) return
    const isForm = is(FORM_BODY)
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    if (!hasBody(request) || isRead) {
      if (isForm && !isRead) throw formMissing()
      // A body that means nothing is not waited for: its connection cannot be used again.
      if (hasBody(request)) hangUp(request)
      request.body = {}
      return
    }
    const bytes = await bytesOf(request, this.withinMs)
    contextOf(request).rawBody = bytes
    request.body = isForm ? formOf(bytes, request.headers['content-type']) : jsonOf(bytes)
  }
}

const hasBody = ({ headers }: Request): boolean =>
  headers['transfer-encoding'] !== undefined ||
  (headers['content-length'] !== undefined && headers['content-length'] !== '0')

async function bytesOf(request: Request, withinMs: number): Promise<Buffer> {
  if (request.readableEnded) {
    throw new Error('The body has been read before the guard: create the application with `bodyParser: false`.')
  }
  // Gone while its caller was being verified: nothing will come any more.
  if (request.destroyed) throw cutShort()
  mustNotBeEncoded(request)
  if (Number(request.headers['content-length'] ?? 0) > MOST_BYTES) throw tooLarge(request)
  const chunks: Buffer[] = []
  let length = 0
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const onData = (chunk: Buffer): void => {
    length += chunk.length
    if (length > MOST_BYTES) reject(tooLarge(request))
    else chunks.push(chunk)
  }
  const onEnd = (): void => {
    // It comes next, and an error that nobody sees is made at the price of one that somebody does.
    request.off('close', onClose)
    resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length))
  }
  const onClose = (): void => reject(cutShort())
  const timer = setTimeout(() => reject(tooSlow(request)), withinMs)
  request.on('data', onData).once('end', onEnd).once('error', onClose).once('close', onClose)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    // The listener for errors stays: what happens to the rest of a body must not end the process.
    request.off('data', onData).off('end', onEnd).off('close', onClose)
  }
}

const unreadable = (message: string): DomainError => new DomainError('invalid', 'request.body_unreadable', message)

const cutShort = (): DomainError => unreadable('The body ended before it was complete.')

function tooLarge(request: Request): DomainError {
  hangUp(request)
  return new DomainError('invalid', 'request.body_too_large', 'The body is larger than 1 MiB.')
}

function tooSlow(request: Request): DomainError {
  hangUp(request)
  return new DomainError('invalid', 'request.body_too_slow', 'The body took too long to arrive.')
}

/** The rest is not worth reading: the connection ends with the answer. */
const hangUp = (request: Request): void => void request.res?.setHeader('Connection', 'close')

const UTF8 = new TextDecoder('utf-8', { fatal: true })

function jsonOf(bytes: Buffer): object {
  let text: string
  let value: unknown
  try {
    text = UTF8.decode(bytes)
    value = JSON.parse(text)
  } catch {
    // The parser's message quotes the body, so it is no cause.
    throw new DomainError('invalid', 'request.json_invalid', 'The body is not valid JSON.')
  }
  if (typeof value !== 'object' || value === null) {
    throw new DomainError('invalid', 'request.json_invalid', 'The body must be a JSON object or array.')
  }
  if (!isPlainJson(value)) {
    throw new DomainError(
      'invalid',
      'request.json_invalid',
      'The body has a NUL character, half a surrogate pair, a name like constructor or more than 64 levels.',
    )
  }
  const repeated = repeatedName(text)
  if (repeated !== undefined) {
    // A name of ours; what else it may be is not for messages.
    const whose = /^\w{1,64}$/.test(repeated) ? `member ${repeated}` : 'same member'
    throw new DomainError('invalid', 'request.json_invalid', `The body has the ${whose} more than once.`)
  }
  return value
}

function formOf(bytes: Buffer, contentType: string | undefined): Record<string, string> {
  if (contentType?.split(';')[0]?.trim().toLowerCase() !== FORM) throw formMissing()
  let text: string
  try {
    text = UTF8.decode(bytes)
  } catch {
    throw formUnreadable('The form is not UTF-8.')
  }
  const form: Record<string, string> = Object.create(null) as Record<string, string>
  for (const [name, value] of new URLSearchParams(text)) {
    // RFC 6749 §3.2: parameters must not be included more than once.
    if (name in form) throw formUnreadable('The form has a parameter more than once.')
    if (!isPlainText(name) || !isPlainText(value)) throw formUnreadable('The form has a NUL character.')
    form[name] = value
  }
  return form
}

const formMissing = (): DomainError =>
  new DomainError('invalid', 'form.missing', `The request needs a form of type ${FORM}.`)

const formUnreadable = (message: string): DomainError => new DomainError('invalid', 'form.unreadable', message)
