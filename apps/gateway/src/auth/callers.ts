import { DomainError, type GroupState, type ServiceName, type UserState, type Visitor } from '#libs/contracts'
import type { Arrival } from '../door/arrival.js'
import type { Route } from '../routes/routes.js'
import { type House, isAlive } from '../replica/house.js'
import type { ActorAssertions, Presented } from './actor-assertions.js'
import { type Credential, credentialOf } from './credential.js'
import { cookieValue } from './cookies.js'
import { isSafe, isSameOrigin, refuseForgery } from './xsrf.js'

/** What goes with a forwarded request about who sent it. */
export interface Introduced {
  readonly assertion?: string
  readonly bootstrap?: string
}

/** A person before a content item. */
export interface ContentVisitor {
  readonly user: UserState
  readonly groups: readonly GroupState[]
  /** Absent for the owner of an API key. */
  readonly sid: string | undefined
  /** The guid of the API key, if they came with one of their own. */
  readonly key: string | undefined
  /** Identity's word for one service. */
  assertion(audience: ServiceName): Promise<string>
  /** Tells identity that they are still at it, where sessions end when they are not. Never rejects. */
  use(): Promise<void>
}

/** Finds out who is at the door. */
export class Callers {
  /**
   * @param origin of `Server.Address`
   * @param sessionsGoIdle whether a session that is not used ends: then identity has to hear of its use, which it does
   * whenever it is asked for an assertion
   */
  constructor(
    private readonly house: House,
    private readonly assertions: ActorAssertions,
    private readonly cookieName: string,
    private readonly origin: string,
    private readonly sessionsGoIdle = false,
    private readonly now: () => Date = () => new Date(),
  ) {}

  /**
   * For a request to a service. Nobody known is nothing to say; a credential that is no good is refused, but for a
   * session that has run out, or that is not asked about at the moment, which is as none.
   * @throws DomainError `authentication.failed`, `request.xsrf_mismatch`, `request.rate_limited`, `service.unavailable`
   */
  async introduce(arrival: Arrival, route: Route): Promise<Introduced> {
    const credential = this.#credential(arrival, route)
    if (credential.type === 'none') return {}
    if (credential.type === 'bootstrap') {
      return { bootstrap: credential.authorization.slice(credential.authorization.indexOf(' ') + 1).trim() }
    }
    if (credential.type === 'session') this.#refuseForgery(arrival, route, credential.secret)
    try {
      const { assertion } = await this.assertions.of(credential, route.service, arrival.address)
      return { assertion }
    } catch (error) {
      if (credential.type === 'session' && isNobody(error)) return {}
      throw error
    }
  }

  /**
   * For a visit to content: by session or, for programs, by API key. `undefined` for somebody unknown.
   * @throws DomainError `authentication.failed` and `request.rate_limited` for an unknown key; `service.unavailable`
   */
  async visitor(arrival: Arrival): Promise<ContentVisitor | undefined> {
    const presented = this.#presentedToContent(arrival)
    if (!presented) return undefined
    const found = await this.#person(presented, arrival.address)
    // Whoever is locked out is nobody here.
    if (!found || found.user.locked) return undefined
    return {
      ...found,
      groups: await this.house.groups(found.user.group_guids),
      assertion: async (audience) => (await this.assertions.of(presented, audience, arrival.address)).assertion,
      use: async () => void (await this.#isInUse(presented, arrival.address)),
    }
  }

  /**
   * Somebody who was let in, as they are now; `undefined` when they would not be any more.
   * @throws DomainError `replica.stale`, `service.unavailable`
   */
  async stillHere(visitor: ContentVisitor): Promise<UserState | undefined> {
    const { sid, key } = visitor
    const user = await this.house.user(visitor.user.guid)
    if (!user || user.locked) return undefined
    if (sid !== undefined && !isAlive(user, sid, this.now())) return undefined
    if (key !== undefined && !(await this.#isKeyGood(key))) return undefined
    if (sid === undefined && key === undefined && !(await isVouchedFor(visitor))) return undefined
    return user
  }

  /** Asks identity about once a minute; what it cannot be asked, it is not held against the session. */
  async #isInUse(presented: Presented, address: string): Promise<boolean> {
    if (!this.sessionsGoIdle || presented.type !== 'session') return true
    try {
      await this.assertions.of(presented, 'identity', address)
      return true
    } catch (error) {
      return !isNobody(error)
    }
  }

  async #isKeyGood(guid: string): Promise<boolean> {
    const key = await this.house.apiKey(guid)
    return key !== undefined && (key.expires_at === null || Date.parse(key.expires_at) > this.now().getTime())
  }

  #credential({ request }: Arrival, route: Route): Credential {
    if (route.audience === 'browser') {
      const secret = cookieValue(request.headers.cookie, this.cookieName)
      return secret ? { type: 'session', secret } : { type: 'none' }
    }
    const credential = credentialOf(request, this.cookieName)
    if (credential.type === 'bootstrap' && !route.bootstrap) {
      throw new DomainError('unauthenticated', 'authentication.failed', 'A bootstrap token is good for bootstrap only.')
    }
    return credential
  }

  #refuseForgery({ request }: Arrival, route: Route, secret: string): void {
    if (isSafe(request.method)) return
    if (route.audience === 'api') return refuseForgery(request.headers, secret, this.origin)
    if (!isSameOrigin(request.headers, this.origin)) {
      throw new DomainError('forbidden', 'request.xsrf_mismatch', 'This request was not made by a page of this server.')
    }
  }

  #presentedToContent({ request }: Arrival): Presented | undefined {
    // Any other scheme is between the client and the app.
    if (/^key\s/i.test(request.headers.authorization ?? '')) {
      const credential = credentialOf(request, this.cookieName)
      if (credential.type === 'api_key') return credential
    }
    const secret = cookieValue(request.headers.cookie, this.cookieName)
    return secret ? { type: 'session', secret } : undefined
  }

  async #person(
    presented: Presented,
    address: string,
  ): Promise<Pick<ContentVisitor, 'user' | 'sid' | 'key'> | undefined> {
    if (presented.type === 'session') {
      const known = this.house.sessionOf(presented.secret, this.now())
      if (known) return (await this.#isInUse(presented, address)) ? { ...known, key: undefined } : undefined
    }
    try {
      const { actor } = await this.assertions.of(presented, 'identity', address)
      if (actor.type === 'key') {
        const user = await this.house.user(actor.user)
        return user && { user, sid: undefined, key: actor.visit === undefined ? actor.guid : undefined }
      }
      if (actor.type !== 'user') return undefined
      const { guid, sid } = actor
      // A session that identity knows and the copy does not is a moment old: so may be the groups of that login.
      const held = await this.house.user(guid)
      const user = held && isAlive(held, sid, this.now()) ? held : await this.house.confirmUser(guid)
      return user && { user, sid, key: undefined }
    } catch (error) {
      if (presented.type === 'session' && isNobody(error)) return undefined
      throw error
    }
  }
}

/** Of keys that content has for a visit there are no documents: identity says whether one is good, about once a minute. */
async function isVouchedFor(visitor: ContentVisitor): Promise<boolean> {
  try {
    await visitor.assertion('identity')
    return true
  } catch (error) {
    if (isNobody(error)) return false
    throw error
  }
}

/** The facts that decide about entering. */
export const visitorOf = ({ user, groups }: Pick<ContentVisitor, 'user' | 'groups'>): Visitor => ({
  guid: user.guid,
  locked: user.locked,
  groupGuids: groups.map(({ guid }) => guid),
})

/** Whoever brings an old cookie can do what everybody can: also log in, while others at their address guess. */
const isNobody = (error: unknown): boolean =>
  error instanceof DomainError &&
  (error.kind === 'unauthenticated' || error.kind === 'forbidden' || error.code === 'request.rate_limited')
