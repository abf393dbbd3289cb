import { setTimeout as delay } from 'node:timers/promises'
import { DomainError, type ChangeContract, type ChangeMessage } from '#libs/contracts'

/** Asks the owning service for one document; `undefined` when it says that there never was one. Rejects when it is down. */
export type AskOwner = (contract: ChangeContract<unknown>, guid: string) => Promise<ChangeMessage | undefined>

/** `answered`: the owner spoke, now or within the last second. `over_limit`: it was not asked. */
export type Answer =
  | { readonly kind: 'answered'; readonly change: ChangeMessage | undefined; readonly again: boolean }
  | { readonly kind: 'over_limit' }

export interface QuestionLimits {
  /** How long one answer, or its failure, stands for the same document. */
  readonly quietMs?: number
  /** For the whole process; above it nobody is asked. */
  readonly perSecond?: number
  /** After this the owner counts as down. */
  readonly timeoutMs?: number
  /** Monotonic, ms. */
  readonly now?: () => number
}

interface Question {
  readonly answer: Promise<ChangeMessage | undefined>
  /** When it may be asked again; `Infinity` while in flight. */
  until: number
}

/**
 * The questions of one process to the owners of what it has copies of, so bounded that nobody can use them as an
 * amplifier: one per document in flight, none again for a second, fifty a second in all.
 */
export class OwnerQuestions {
  readonly #questions = new Map<string, Question>()
  readonly #quietMs: number
  readonly #perSecond: number
  readonly #timeoutMs: number
  readonly #now: () => number
  #tokens: number
  #refilledAt: number

  constructor(
    private readonly askOwner: AskOwner,
    { quietMs = 1000, perSecond = 50, timeoutMs = 1000, now = () => performance.now() }: QuestionLimits = {},
  ) {
    this.#quietMs = quietMs
    this.#perSecond = perSecond
    this.#timeoutMs = timeoutMs
    this.#now = now
    this.#tokens = perSecond
    this.#refilledAt = now()
  }

  /** @throws DomainError `replica.stale` (unavailable) when the owner does not answer in time */
  async ask(contract: ChangeContract<unknown>, guid: string): Promise<Answer> {
    const key = `${contract.service}.${contract.category}.${guid}`
    const now = this.#now()
    const known = this.#questions.get(key)
    if (known && known.until > now) return { kind: 'answered', change: await known.answer, again: true }
    if (!this.#mayAsk(now)) return { kind: 'over_limit' }
    this.#forget(now)
    const question: Question = { answer: this.#question(contract, guid), until: Infinity }
    this.#questions.set(key, question)
    try {
      return { kind: 'answered', change: await question.answer, again: false }
    } finally {
      question.until = this.#now() + this.#quietMs
    }
  }

  async #question(contract: ChangeContract<unknown>, guid: string): Promise<ChangeMessage | undefined> {
    const timeout = new AbortController()
    try {
      return await Promise.race([
        this.askOwner(contract, guid),
        delay(this.#timeoutMs, undefined, { signal: timeout.signal }).then(() => {
          throw new Error(`${contract.service} did not answer within ${this.#timeoutMs} ms`)
        }),
      ])
    } catch (cause) {
      throw unavailable(cause)
    } finally {
      timeout.abort()
    }
  }

  #mayAsk(now: number): boolean {
    this.#tokens = Math.min(this.#perSecond, this.#tokens + ((now - this.#refilledAt) / 1000) * this.#perSecond)
    this.#refilledAt = now
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }

  #forget(now: number): void {
    for (const [key, { until }] of this.#questions) if (until <= now) this.#questions.delete(key)
  }
}

/** The refusal for everything that cannot be known at present. */
export const unavailable = (cause?: unknown): DomainError =>
  new DomainError('unavailable', 'replica.stale', 'this is temporarily unavailable; try again in a moment', { cause })
