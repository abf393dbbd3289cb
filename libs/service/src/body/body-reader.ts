import { Injectable } from '@nestjs/common'
import type { Request } from 'express'
import { DomainError } from '#libs/contracts'
import { contextOf } from '../request-context.js'
import { FORM_BODY } from './form-body.js'

const MOST_BYTES = 1024 * 1024
const FORM = 'application/x-www-form-urlencoded'

/** Reads a request's body once its caller has been admitted: `request.body` parsed, `RequestContext.rawBody` as it came. */
@Injectable()
export class BodyReader {
  /**
   * @throws DomainError `request.json_invalid`, `request.body_unreadable`, `form.missing`, `form.unreadable`
   */
  async read(request: Request, controller: object, handler: object): Promise<void> {
    const isForm: boolean =
      Reflect.getMetadata(FORM_BODY, handler) ?? Reflect.getMetadata(FORM_BODY, controller) ?? false
    if (!hasBody(request)) {
      if (isForm && request.method !== 'GET') throw formMissing()
      request.body = {}
      return
    }
    const bytes = await bytesOf(request)
    contextOf(request).rawBody = bytes
    request.body = isForm ? formOf(bytes, request.headers['content-type']) : jsonOf(bytes)
  }
}

const hasBody = ({ headers }: Request): boolean =>
  headers['transfer-encoding'] !== undefined ||
  (headers['content-length'] !== undefined && headers['content-length'] !== '0')

async function bytesOf(request: Request): Promise<Buffer> {
  if (request.readableEnded) {
    throw new Error('The body has been read before the guard: create the application with `bodyParser: false`.')
  }
  // Gone while its caller was being verified: nothing will come any more.
  if (request.destroyed) throw cutShort()
  const encoding = request.headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') {
    throw new DomainError(
      'invalid',
      'request.body_unreadable',
      'The body has a content encoding that is not supported.',
    )
  }
  if (Number(request.headers['content-length'] ?? 0) > MOST_BYTES) throw tooLarge(request)
  const chunks: Buffer[] = []
  let length = 0
  return await new Promise<Buffer>((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      length += chunk.length
      if (length > MOST_BYTES) {
        request.off('data', onData)
        reject(tooLarge(request))
      } else chunks.push(chunk)
    }
    request.on('data', onData)
    request.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length)))
    request.once('error', () => reject(cutShort()))
    request.once('close', () => {
      if (!request.readableEnded) reject(cutShort())
    })
  })
}

const cutShort = (): DomainError =>
  new DomainError('invalid', 'request.body_unreadable', 'The body ended before it was complete.')

function tooLarge(request: Request): DomainError {
  // The rest is not worth reading: the connection ends with the answer.
  request.res?.setHeader('Connection', 'close')
  return new DomainError('invalid', 'request.body_unreadable', 'The body is larger than 1 MiB.')
}

const UTF8 = new TextDecoder('utf-8', { fatal: true })

function jsonOf(bytes: Buffer): object {
  let value: unknown
  try {
    value = JSON.parse(UTF8.decode(bytes))
  } catch {
    // The parser's message quotes the body, so it is no cause.
    throw new DomainError('invalid', 'request.json_invalid', 'The body is not valid JSON.')
  }
  if (typeof value !== 'object' || value === null) {
    throw new DomainError('invalid', 'request.json_invalid', 'The body must be a JSON object or array.')
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
    form[name] = value
  }
  return form
}

const formMissing = (): DomainError =>
  new DomainError('invalid', 'form.missing', `The request needs a form of type ${FORM}.`)

const formUnreadable = (message: string): DomainError => new DomainError('invalid', 'form.unreadable', message)
