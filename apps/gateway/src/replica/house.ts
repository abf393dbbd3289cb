import {
  apiKeyContract,
  type ApiKeyState,
  type ChangeContract,
  contentContract,
  type ContentState,
  groupContract,
  type GroupState,
  guidOfKey,
  integrationContract,
  isReservedPath,
  MOST_VANITY_PARTS,
  type ServiceName,
  sidOf,
  userContract,
  type UserState,
  vanityKey,
} from '#libs/contracts'
import { type Applied, type Freshness, MemoryReplica, type Replicas } from '#libs/messaging'
import type { AuthorizationSettings } from '#libs/service'
import type { Presented } from '../auth/actor-assertions.js'

/** What the gateway keeps copies of. */
export const COPIED: readonly ChangeContract<unknown>[] = [
  userContract,
  groupContract,
  apiKeyContract,
  contentContract,
  integrationContract,
]

/**
 * Services whose things have not been read once since this process started; empty when it is ready. What grows old later
 * is asked for at its owner, and no service's readiness hangs on another's.
 */
export const notYetRead = (freshness: Freshness): ServiceName[] =>
  [...new Set(COPIED.map(({ service }) => service))].filter((service) => !freshness.snapshotComplete(service))

const placeOf = (content: ContentState | null | undefined): string | undefined =>
  content?.vanity_path ? vanityKey(content.vanity_path).slice(0, -1) : undefined

/** Somebody with a live browser session. */
export interface LoggedIn {
  readonly user: UserState
  readonly sid: string
}

/** The gateway's copies, in memory, and what is looked up in them. */
export class House {
  readonly #userOfSession = new Map<string, string>()
  /** By the key of the path, without its last slash. */
  readonly #contentAt = new Map<string, string>()

  constructor(
    private readonly replicas: Replicas,
    private readonly authorization: AuthorizationSettings,
  ) {
    // Session ids in the order of documents: a session belongs to one person for ever.
    replicas.of(userContract).onApplied((changes) => {
      for (const { guid, before, after } of changes) {
        for (const { sid } of before?.sessions ?? []) this.#userOfSession.delete(sid)
        for (const { sid } of after?.sessions ?? []) this.#userOfSession.set(sid, guid)
      }
    })
    replicas.of(contentContract).onApplied((changes) => {
      for (const { guid, before, after } of changes) {
        const [left, taken] = [placeOf(before), placeOf(after)]
        // The next item may have taken the path before this one is heard to have left it.
        if (left !== undefined && this.#contentAt.get(left) === guid) this.#contentAt.delete(left)
        if (taken !== undefined) this.#contentAt.set(taken, guid)
      }
    })
  }

  /** @throws DomainError `replica.stale` */
  content(guid: string): Promise<ContentState | undefined> {
    return this.replicas.of(contentContract).find(guid)
  }

  /** As the owner has it now: before a *no* that rests on somebody missing from an access list. */
  confirmContent(guid: string): Promise<ContentState | undefined> {
    return this.replicas.of(contentContract).confirm(guid)
  }

  user(guid: string): Promise<UserState | undefined> {
    return this.replicas.of(userContract).find(guid)
  }

  confirmUser(guid: string): Promise<UserState | undefined> {
    return this.replicas.of(userContract).confirm(guid)
  }

  /** The version of the copy of a content item; changes whenever the item does. */
  contentVersion(guid: string): number {
    return this.#held(contentContract).peek(guid)?.version ?? 0
  }

  /** The item that has been given this path or one around it, and what follows in the path; as far as the copy knows. */
  vanity(path: string): { readonly guid: string; readonly rest: string } | undefined {
    if (this.#contentAt.size === 0 || isReservedPath(path)) return undefined
    let place: { guid: string; rest: string } | undefined
    for (let part = 0, end = 0; part < MOST_VANITY_PARTS && end >= 0; part++) {
      end = path.indexOf('/', end + 1)
      const head = end < 0 ? path : path.slice(0, end)
      const guid = this.#contentAt.get(vanityKey(head))
      if (guid !== undefined) place = { guid, rest: path.slice(head.length) }
    }
    return place
  }

  contents(): Iterable<ContentState> {
    return this.#held(contentContract).states()
  }

  apiKey(guid: string): Promise<ApiKeyState | undefined> {
    return this.replicas.of(apiKeyContract).find(guid)
  }

  /** Those of the groups that still exist; a group that is not known yet is asked for. None when groups are turned off. */
  async groups(guids: readonly string[]): Promise<GroupState[]> {
    if (!this.authorization.userGroups) return []
    const groups = await Promise.all(guids.map((guid) => this.replicas.of(groupContract).find(guid)))
    return groups.filter((group) => group !== undefined)
  }

  /** Whose session a cookie is, as far as the copy knows; `undefined` when it does not or is too old to say. */
  sessionOf(cookie: string, now: Date): LoggedIn | undefined {
    if (!this.replicas.isFresh('identity')) return undefined
    const sid = sidOf(cookie)
    const guid = sid && this.#userOfSession.get(sid)
    if (!guid || !this.replicas.of(userContract).isTrusted(guid)) return undefined
    const user = this.peekUser(guid)
    return user && isAlive(user, sid, now) ? { user, sid } : undefined
  }

  /** Whether there is, or was a moment ago, such a session or key; whether it is good, is for identity to say. */
  isKnown({ type, secret }: Presented): boolean {
    if (type === 'session') return this.#userOfSession.has(sidOf(secret) ?? '')
    const guid = guidOfKey(secret)
    return guid !== undefined && Boolean(this.#held(apiKeyContract).peek(guid)?.state)
  }

  peekUser(guid: string): UserState | undefined {
    return this.#held(userContract).peek(guid)?.state ?? undefined
  }

  isFresh(): boolean {
    return this.replicas.isFresh('identity')
  }

  /** Whether nobody has to be asked about content and its visitors. */
  isAllFresh(): boolean {
    return this.replicas.ready()
  }

  /** Calls back with the guid of each person, group, API key and content item that changed. */
  onChanged(listener: (guid: string) => void): void {
    const tell = (changes: readonly Applied<unknown>[]): void => changes.forEach(({ guid }) => listener(guid))
    for (const contract of [userContract, groupContract, apiKeyContract, contentContract])
      this.replicas.of<unknown>(contract).onApplied(tell)
  }

  /** Calls back with each session that is no more. */
  onSessionsEnded(listener: (sid: string) => void): void {
    this.replicas.of(userContract).onApplied((changes) => {
      for (const { before, after } of changes) {
        const alive = new Set(after?.locked ? [] : after?.sessions.map(({ sid }) => sid))
        for (const { sid } of before?.sessions ?? []) if (!alive.has(sid)) listener(sid)
      }
    })
  }

  #held<State>(contract: ChangeContract<State>): MemoryReplica<State> {
    const { store } = this.replicas.of(contract)
    if (!(store instanceof MemoryReplica)) throw new Error('The gateway keeps its copies in memory.')
    return store as MemoryReplica<State>
  }
}

export const isAlive = ({ sessions }: UserState, sid: string, now: Date): boolean =>
  sessions.some((session) => session.sid === sid && Date.parse(session.expires_at) > now.getTime())
