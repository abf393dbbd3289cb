import {
  ACTOR_ASSERTION_SECONDS,
  type Actor,
  authenticationFailed,
  DomainError,
  type ServiceName,
} from '#libs/contracts'
import { fingerprint } from './credential.js'
import type { FailureLimit } from '#libs/service'

/** A credential that identity can judge. */
export interface Presented {
  readonly type: 'session' | 'api_key'
  readonly secret: string
}

export interface Asserted {
  readonly actor: Actor
  /** Good for one service. */
  readonly assertion: string
}

/** Asks identity. Refuses with kind `unauthenticated` when the credential is unknown. */
export type AskIdentity = (
  presented: Presented,
  audience: ServiceName,
) => Promise<Asserted & { readonly expires_in: number }>

/** An assertion is not sent on with less than this left. */
const SPARE_MS = 5_000
const LONGEST_MS = ACTOR_ASSERTION_SECONDS * 1000
const UNKNOWN_MS = 1_000
const ENTRIES = 10_000

interface Entry extends Asserted {
  readonly until: number
}

/**
 * Identity's word on who stands behind a credential, remembered by the credential's hash for at most a minute: only while
 * this process hears of changes (`isFresh`), and only until the key or the person changes.
 */
export class ActorAssertions {
  readonly #known = new Map<string, Entry>()
  /** Entries by the guids of the key and the people that they rest on. */
  readonly #restingOn = new Map<string, Set<string>>()
  readonly #unknown = new Map<string, number>()
  readonly #running = new Map<string, { readonly answer: Promise<Asserted>; readonly changed: Set<string> }>()

  /**
   * @param isKnown whether there is such a session or key, as far as the copies say: it is not refused for what others
   * at its address do
   * @param now monotonic, ms
   */
  constructor(
    private readonly ask: AskIdentity,
    private readonly isFresh: () => boolean,
    private readonly limit: FailureLimit,
    private readonly isKnown: (presented: Presented) => boolean,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * @param address the peer's, which too many unknown credentials are counted against
   * @throws DomainError `authentication.failed`, `request.rate_limited`, `service.unavailable`, or as identity refused
   */
  of(presented: Presented, audience: ServiceName, address: string): Asserted | Promise<Asserted> {
    const credential = fingerprint(presented)
    const key = `${audience} ${credential}`
    const known = this.#known.get(key)
    if (known && known.until > this.now() && this.isFresh()) return known
    return this.#asked(presented, audience, address, credential, key)
  }

  /** Drops what rests on this key or person. */
  changed(guid: string): void {
    for (const { changed } of this.#running.values()) changed.add(guid)
    for (const key of this.#restingOn.get(guid) ?? []) this.#forget(key)
  }

  /** For metrics and specs. */
  get size(): number {
    return this.#known.size
  }

  async #asked(
    presented: Presented,
    audience: ServiceName,
    address: string,
    credential: string,
    key: string,
  ): Promise<Asserted> {
    const unknownUntil = this.#unknown.get(credential)
    if (unknownUntil !== undefined) {
      if (unknownUntil > this.now()) throw authenticationFailed()
      this.#unknown.delete(credential)
    }
    let running = this.#running.get(key)
    if (!running) {
      const isKnown = this.#known.has(key) || this.isKnown(presented)
      if (!isKnown) this.limit.mustHaveLeft(address, 'Too many failed attempts. Try again in a few seconds.')
      const changed = new Set<string>()
      const answer = this.#question(presented, audience, address, credential, key, changed)
      running = { answer: isKnown ? answer : this.limit.pending(address, answer), changed }
      this.#running.set(key, running)
    }
    return await running.answer
  }

  async #question(
    presented: Presented,
    audience: ServiceName,
    address: string,
    credential: string,
    key: string,
    changed: ReadonlySet<string>,
  ): Promise<Asserted> {
    const askedAt = this.now()
    try {
      const { actor, assertion, expires_in } = await this.ask(presented, audience)
      const entry = { actor, assertion, until: askedAt + Math.min(expires_in * 1000, LONGEST_MS) - SPARE_MS }
      // What changed while identity was answering may not be in its answer: good for this once, not to be remembered.
      if (!guidsOf(actor).some((guid) => changed.has(guid))) this.#remember(key, entry)
      return entry
    } catch (error) {
      if (error instanceof DomainError && error.kind === 'unauthenticated') {
        this.limit.failed(address)
        if (this.#unknown.size >= ENTRIES) this.#unknown.delete(this.#unknown.keys().next().value!)
        this.#unknown.set(credential, this.now() + UNKNOWN_MS)
      }
      throw error
    } finally {
      this.#running.delete(key)
    }
  }

  #remember(key: string, entry: Entry): void {
    this.#forget(key)
    if (this.#known.size >= ENTRIES) this.#forget(this.#known.keys().next().value!)
    this.#known.set(key, entry)
    for (const guid of guidsOf(entry.actor)) {
      const keys = this.#restingOn.get(guid)
      if (keys) keys.add(key)
      else this.#restingOn.set(guid, new Set([key]))
    }
  }

  #forget(key: string): void {
    const entry = this.#known.get(key)
    if (!entry) return
    this.#known.delete(key)
    for (const guid of guidsOf(entry.actor)) {
      const keys = this.#restingOn.get(guid)
      keys?.delete(key)
      if (keys?.size === 0) this.#restingOn.delete(guid)
    }
  }
}

/** The documents that an actor's rights rest on. */
function guidsOf(actor: Actor): string[] {
  switch (actor.type) {
    case 'user':
      return [actor.guid]
    case 'key':
      return [actor.guid, actor.user]
    case 'content_key':
      return [actor.guid, actor.owner]
    default:
      return []
  }
}
