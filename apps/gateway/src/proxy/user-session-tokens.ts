/** Asks identity for a token of a session for one content item. */
export type IssueToken = (
  contentGuid: string,
  assertion: string,
) => Promise<{ readonly token: string; readonly expires_in: number }>

/** A token goes to content with at least this long to live, or half its life if that is shorter. */
const SPARE_MS = 60_000
const ENTRIES = 10_000

interface Entry {
  readonly token: Promise<string>
  /** By the monotonic clock; `Infinity` until the token is there. */
  until: number
}

/** User session tokens of the sessions that are visiting content now: one for a session and a content item. */
export class UserSessionTokens {
  /** By session, then by content. */
  readonly #tokens = new Map<string, Map<string, Entry>>()
  #size = 0

  /** @param now monotonic, ms */
  constructor(
    private readonly issue: IssueToken,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** @param assertion of the session's person, for identity; called only when there is no token yet */
  async of(sid: string, contentGuid: string, assertion: () => Promise<string>): Promise<string> {
    const known = this.#tokens.get(sid)?.get(contentGuid)
    if (known && known.until > this.now()) return known.token

    const entry: Entry = {
      token: this.#issued(contentGuid, assertion, (until) => (entry.until = until)),
      until: Infinity,
    }
    this.#remember(sid, contentGuid, entry)
    try {
      return await entry.token
    } catch (error) {
      const tokens = this.#tokens.get(sid)
      if (tokens?.get(contentGuid) === entry) this.#forget(sid, contentGuid)
      throw error
    }
  }

  /** Drops the tokens of a session that has ended. */
  ended(sid: string): void {
    this.#size -= this.#tokens.get(sid)?.size ?? 0
    this.#tokens.delete(sid)
  }

  async #issued(
    contentGuid: string,
    assertion: () => Promise<string>,
    goodUntil: (until: number) => void,
  ): Promise<string> {
    const askedAt = this.now()
    const { token, expires_in } = await this.issue(contentGuid, await assertion())
    const lifeMs = expires_in * 1000
    goodUntil(askedAt + lifeMs - Math.min(SPARE_MS, lifeMs / 2))
    return token
  }

  #remember(sid: string, contentGuid: string, entry: Entry): void {
    this.#forget(sid, contentGuid)
    const oldest = this.#tokens.keys().next()
    if (this.#size >= ENTRIES && !oldest.done) this.ended(oldest.value)
    const tokens = this.#tokens.get(sid) ?? new Map<string, Entry>()
    this.#tokens.set(sid, tokens)
    tokens.set(contentGuid, entry)
    this.#size += 1
  }

  #forget(sid: string, contentGuid: string): void {
    const tokens = this.#tokens.get(sid)
    if (!tokens?.delete(contentGuid)) return
    this.#size -= 1
    if (tokens.size === 0) this.#tokens.delete(sid)
  }
}
