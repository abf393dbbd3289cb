import { DomainError, Secret, type Role } from '#libs/contracts'
import type { InternalHttp } from '#libs/service'
import { unknownSubject } from './refusals.js'

const ENTRIES = 10_000

interface Entry {
  readonly key: Secret
  /** By the monotonic clock. */
  readonly endsAt: number
  readonly renewAt: number
}

/** Makes short-lived keys of viewers for this server. */
export abstract class VisitorKeys {
  /** @throws DomainError `exchange.subject_token_subject` when nobody is known by that guid */
  abstract issue(userGuid: string, role: Role, contentGuid: string): Promise<{ key: Secret; expiresIn: number }>
}

/** Identity makes the keys. */
export const keysOfVisitors = (http: InternalHttp): VisitorKeys =>
  new RememberedKeys({
    async issue(userGuid, role, contentGuid) {
      const body = { user_guid: userGuid, role, content_guid: contentGuid }
      try {
        const { key, expires_in } = await http.call<{ key: string; expires_in: number }>('issueVisitorKey', { body })
        return { key: new Secret(key), expiresIn: expires_in }
      } catch (error) {
        if (error instanceof DomainError && error.code === 'user.not_found') throw unknownSubject()
        throw error
      }
    },
  })

/**
 * Gives a key again for half its life: clients ask for one at each request. Whoever may not have it any more is refused
 * before they get here, and a key does what its owner may do by then.
 */
export class RememberedKeys implements VisitorKeys {
  readonly #entries = new Map<string, Entry>()
  readonly #running = new Map<string, Promise<Entry>>()

  /** @param now monotonic, ms */
  constructor(
    private readonly keys: VisitorKeys,
    private readonly now: () => number = () => performance.now(),
  ) {}

  async issue(userGuid: string, role: Role, contentGuid: string): Promise<{ key: Secret; expiresIn: number }> {
    const name = `${userGuid} ${role} ${contentGuid}`
    const held = this.#entries.get(name)
    const { key, endsAt } =
      held && held.renewAt > this.now() ? held : await this.#made(name, userGuid, role, contentGuid)
    return { key, expiresIn: Math.max(0, Math.ceil((endsAt - this.now()) / 1000)) }
  }

  /** Once, however many ask at the same time. */
  #made(name: string, ...asked: Parameters<VisitorKeys['issue']>): Promise<Entry> {
    let running = this.#running.get(name)
    if (!running) {
      running = this.#make(name, asked).finally(() => this.#running.delete(name))
      this.#running.set(name, running)
    }
    return running
  }

  async #make(name: string, asked: Parameters<VisitorKeys['issue']>): Promise<Entry> {
    const askedAt = this.now()
    const { key, expiresIn } = await this.keys.issue(...asked)
    const life = expiresIn * 1000
    const entry = { key, endsAt: askedAt + life, renewAt: askedAt + life / 2 }
    this.#entries.delete(name)
    this.#entries.set(name, entry)
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= ENTRIES) break
      this.#entries.delete(oldest)
    }
    return entry
  }
}
