import { SetMetadata } from '@nestjs/common'
import type { Request } from 'express'
import { DomainError } from '#libs/contracts'

export const STREAMED_BODY = 'keybearer:streamed_body'

/**
 * The route reads its body itself, as bytes and whatever the content type says: for what does not fit into memory. Use
 * `streamedBody(request, …)`; the fingerprint of an `Idempotency-Key` is the route's to make.
 */
export const StreamedBody = (): MethodDecorator & ClassDecorator => SetMetadata(STREAMED_BODY, true)

export interface StreamLimits {
  /** Bytes. */
  readonly most: number
  /** What to say of more. */
  readonly tooLarge: string
  /** Milliseconds between parts. */
  readonly idleMs?: number
  /** Milliseconds for all. */
  readonly wholeMs?: number
}

const IDLE_MS = 10_000
const WHOLE_MS = 30 * 60_000

/**
 * The body's parts as they come; nothing is read ahead of whoever takes them. When it is left early, the rest is not
 * waited for and the connection ends with the answer.
 * @throws DomainError `request.body_too_large`, `request.body_too_slow`, `request.body_unreadable`
 */
export async function* streamedBody(
  request: Request,
  { most, tooLarge, idleMs = IDLE_MS, wholeMs = WHOLE_MS }: StreamLimits,
): AsyncGenerator<Buffer, void> {
  const encoding = request.headers['content-encoding']
  let whole = false
  try {
    if (encoding !== undefined && encoding !== 'identity') {
      throw unreadable('The body has a content encoding that is not supported.')
    }
    if (Number(request.headers['content-length'] ?? 0) > most) throw tooMuch(tooLarge)
    // Destroyed, the request would take the connection and with it the refusal along.
    const parts = request.iterator({ destroyOnReturn: false })
    const until = performance.now() + wholeMs
    for (let length = 0; ;) {
      const part = await within(Math.min(idleMs, until - performance.now()), parts.next())
      if (part.done) break
      const bytes = part.value as Buffer
      length += bytes.length
      if (length > most) throw tooMuch(tooLarge)
      yield bytes
    }
    whole = true
  } finally {
    if (!whole) request.res?.setHeader('Connection', 'close')
  }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooSlow()), Math.max(0, ms))
  })
  try {
    return await Promise.race([work, late])
  } catch (error) {
    // What is still to come of the body is nobody's any more.
    work.catch(() => undefined)
    throw error instanceof DomainError ? error : unreadable('The body ended before it was complete.')
  } finally {
    clearTimeout(timer)
  }
}

const unreadable = (message: string): DomainError => new DomainError('invalid', 'request.body_unreadable', message)
const tooMuch = (message: string): DomainError => new DomainError('invalid', 'request.body_too_large', message)
const tooSlow = (): DomainError =>
  new DomainError('invalid', 'request.body_too_slow', 'The body took too long to arrive.')
