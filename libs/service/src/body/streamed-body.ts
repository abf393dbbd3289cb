import type { IncomingMessage, ServerResponse } from 'node:http'
import { SetMetadata } from '@nestjs/common'
import { DomainError } from '#libs/contracts'
import { mustNotBeEncoded } from './content-encoding.js'

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
  /** Nobody wants the rest any more. */
  readonly signal?: AbortSignal
}

/** Express puts the answer beside the request. */
type Streamed = IncomingMessage & { readonly res?: ServerResponse | undefined }

const IDLE_MS = 10_000
const WHOLE_MS = 30 * 60_000

/**
 * The body's parts as they come; nothing is read ahead of whoever takes them. When it is left early, the rest is not
 * waited for and the connection ends with the answer.
 * @throws DomainError `request.body_too_large`, `request.body_too_slow`, `request.body_encoded`, `request.body_unreadable`
 */
export async function* streamedBody(
  request: Streamed,
  { most, tooLarge, idleMs = IDLE_MS, wholeMs = WHOLE_MS, signal }: StreamLimits,
): AsyncGenerator<Buffer, void> {
  const until = performance.now() + wholeMs
  let whole = false
  // What becomes of the rest must not end the process.
  request.on('error', () => undefined)
  try {
    mustNotBeEncoded(request)
    if (Number(request.headers['content-length'] ?? 0) > most) throw tooMuch(tooLarge)
    for (let length = 0; ;) {
      const part = await nextOf(request, Math.min(idleMs, until - performance.now()), signal)
      if (!part) break
      length += part.length
      if (length > most) throw tooMuch(tooLarge)
      yield part
    }
    whole = true
  } finally {
    if (!whole && request.res?.headersSent === false) request.res.setHeader('Connection', 'close')
  }
}

/**
 * The next part, and `undefined` after the last. Between the calls the request rests as if nobody had touched it: an
 * iterator of Node's would keep it to itself, and destroy the connection before the refusal is out.
 */
function nextOf(
  request: IncomingMessage,
  withinMs: number,
  signal: AbortSignal | undefined,
): Promise<Buffer | undefined> {
  if (request.readableEnded) return Promise.resolve(undefined)
  if (request.destroyed || signal?.aborted) return Promise.reject(cutShort())
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      clearTimeout(timer)
      request.pause()
      request.off('data', onData).off('end', onEnd).off('error', onCut).off('close', onCut)
      signal?.removeEventListener('abort', onCut)
    }
    const onData = (part: Buffer): void => {
      leave()
      resolve(part)
    }
    const onEnd = (): void => {
      leave()
      resolve(undefined)
    }
    const onCut = (): void => {
      leave()
      reject(cutShort())
    }
    const timer = setTimeout(
      () => {
        leave()
        reject(tooSlow())
      },
      Math.max(0, withinMs),
    )
    request.on('data', onData).once('end', onEnd).once('error', onCut).once('close', onCut)
    signal?.addEventListener('abort', onCut)
    request.resume()
  })
}

const unreadable = (message: string): DomainError => new DomainError('invalid', 'request.body_unreadable', message)
const cutShort = (): DomainError => unreadable('The body ended before it was complete.')
const tooMuch = (message: string): DomainError => new DomainError('invalid', 'request.body_too_large', message)
const tooSlow = (): DomainError =>
  new DomainError('invalid', 'request.body_too_slow', 'The body took too long to arrive.')
