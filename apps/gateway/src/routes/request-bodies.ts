import type { IncomingMessage, ServerResponse } from 'node:http'
import { DomainError } from '#libs/contracts'

/** The services refuse larger ones in the same words. */
const MOST_BYTES = 1024 * 1024
/** Of all requests that are being read or answered. */
const MOST_HELD = 64 * MOST_BYTES
const IDLE_MS = 10_000

interface Limits {
  /** Ms for a whole body. */
  readonly wholeMs: number
  /** Ms between its parts. */
  readonly idleMs?: number
  /** Bytes. */
  readonly mostHeld?: number
}

/**
 * Reads the bodies of requests to services, and looks at none. A service's connections are few, so a request gets one
 * only when it is here as a whole: nobody can keep others from a service by sending slowly.
 */
export class RequestBodies {
  readonly #wholeMs: number
  readonly #idleMs: number
  readonly #mostHeld: number
  #held = 0

  constructor({ wholeMs, idleMs = IDLE_MS, mostHeld = MOST_HELD }: Limits) {
    this.#wholeMs = wholeMs
    this.#idleMs = idleMs
    this.#mostHeld = mostHeld
  }

  /**
   * @param response which ends what is kept of the body
   * @throws DomainError `request.timeout`, `request.body_too_large`, `request.body_unreadable`, `service.unavailable`
   */
  read(request: IncomingMessage, response: ServerResponse): Promise<Buffer> {
    if (request.destroyed || response.destroyed) return Promise.reject(cutShort())
    if (Number(request.headers['content-length'] ?? 0) > MOST_BYTES) return Promise.reject(tooLarge())
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      let length = 0
      const tooSlow = (): void => fail(timeout())
      const timers = [setTimeout(tooSlow, this.#wholeMs), setTimeout(tooSlow, this.#idleMs)] as const
      const leave = (): void => {
        timers.forEach((timer) => clearTimeout(timer))
        request.off('data', onData).off('end', onEnd).off('close', onCut)
      }
      const fail = (error: DomainError): void => {
        leave()
        request.pause()
        this.#held -= length
        reject(error)
      }
      const onData = (chunk: Buffer): void => {
        timers[1].refresh()
        chunks.push(chunk)
        length += chunk.length
        this.#held += chunk.length
        if (length > MOST_BYTES) fail(tooLarge())
        else if (this.#held > this.#mostHeld) fail(tooMany())
      }
      const onEnd = (): void => {
        leave()
        response.once('close', () => (this.#held -= length))
        resolve(Buffer.concat(chunks, length))
      }
      const onCut = (): void => fail(cutShort())
      request.on('data', onData).once('end', onEnd).once('close', onCut)
    })
  }
}

const unreadable = (message: string): DomainError => new DomainError('invalid', 'request.body_unreadable', message)
const tooLarge = (): DomainError =>
  new DomainError('invalid', 'request.body_too_large', 'The body is larger than 1 MiB.')
const cutShort = (): DomainError => unreadable('The body ended before it was complete.')

const timeout = (): DomainError => new DomainError('invalid', 'request.timeout', 'The body did not arrive in time.')

const tooMany = (): DomainError =>
  new DomainError('unavailable', 'service.unavailable', 'Too much is being sent to this server at the moment.')
