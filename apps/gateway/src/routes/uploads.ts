import type { IncomingMessage, ServerResponse } from 'node:http'
import { DomainError } from '#libs/contracts'
import { streamedBody } from '#libs/service'

/** Each holds a connection to a service for as long as its client takes. */
const MOST_AT_ONCE = 32

interface Limits {
  /** Bytes of one body. */
  readonly most: number
  readonly mostAtOnce?: number
  /** Ms between the parts of one. */
  readonly idleMs?: number
}

/** A body that is passed on as it comes. */
export interface Upload extends AsyncIterable<Buffer> {
  /** Whether some of it is gone: then it cannot be sent once more. */
  readonly begun: boolean
}

/** Large bodies, which are not kept: few at a time, each at the speed of its slower side. */
export class Uploads {
  readonly #limits: Required<Limits>
  #running = 0

  constructor({ most, mostAtOnce = MOST_AT_ONCE, idleMs = 10_000 }: Limits) {
    this.#limits = { most, mostAtOnce, idleMs }
  }

  /**
   * Whoever iterates hears of what is wrong: `request.body_too_large`, `request.body_too_slow`, `request.body_unreadable`.
   * @param response which ends it
   * @throws DomainError `request.body_too_large`, `service.unavailable`
   */
  take(request: IncomingMessage, response: ServerResponse): Upload {
    const { most, mostAtOnce, idleMs } = this.#limits
    if (Number(request.headers['content-length'] ?? 0) > most) {
      throw new DomainError('invalid', 'request.body_too_large', tooLarge(most))
    }
    if (this.#running >= mostAtOnce) {
      throw new DomainError('unavailable', 'service.unavailable', 'Too much is being uploaded at the moment.')
    }
    this.#running++
    const over = new AbortController()
    response.once('close', () => {
      this.#running--
      over.abort()
    })
    let begun = false
    return {
      get begun() {
        return begun
      },
      async *[Symbol.asyncIterator]() {
        begun = true
        yield* streamedBody(request, { most, tooLarge: tooLarge(most), idleMs, signal: over.signal })
      },
    }
  }
}

const tooLarge = (most: number): string =>
  `The body is larger than ${most} bytes, which is what Content.MaxBundleSize permits.`
