import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { authenticationRequired, type ContentState, DomainError, mayView } from '#libs/contracts'
import { type Callers, type ContentVisitor, visitorOf } from '../auth/callers.js'
import { isSafe } from '../auth/xsrf.js'
import type { Arrival } from '../door/arrival.js'
import { AppUnreachable } from '../door/refusals.js'
import { consentPath, loginPath } from '../door/return-path.js'
import type { House } from '../replica/house.js'
import type { Consents } from './consents.js'
import { type ContentPath, contentPathOf } from './content-path.js'
import type { ContentProxy } from './content-proxy.js'
import { UpstreamRefused } from './guarded-agents.js'
import type { OpenSockets } from './open-sockets.js'
import type { Introduction } from './request-headers.js'
import { ShareLinks, splitQuery } from './share-links.js'
import type { UserSessionTokens } from './user-session-tokens.js'

interface Admitted {
  readonly content: ContentState
  /** `undefined` for somebody unknown, and for whoever is here by a share link only. */
  readonly visitor: ContentVisitor | undefined
  /** What let them in, if nothing else did. */
  readonly shareToken?: string
}

/** A visit to content: may this visitor enter, what has to happen first, and what is the app told about them? */
export class Visits {
  readonly #shareLinks: ShareLinks

  /** @param prefix the path of `address`, without a trailing slash */
  constructor(
    private readonly house: House,
    private readonly callers: Callers,
    private readonly tokens: UserSessionTokens,
    private readonly consents: Consents,
    private readonly proxy: ContentProxy,
    private readonly sockets: OpenSockets,
    private readonly address: URL,
    private readonly prefix: string,
  ) {
    this.#shareLinks = new ShareLinks(address)
  }

  /**
   * @throws DomainError `content.not_found`, `content.access_denied`, `authentication.required`, `request.malformed`,
   * `service.unavailable`, `replica.stale`; AppUnreachable
   */
  async web(arrival: Arrival, response: ServerResponse): Promise<void> {
    const path = placeOf(arrival)
    const { request } = arrival
    const isReading = request.method === 'GET' || request.method === 'HEAD'
    const { token, query } = splitQuery(arrival.query)
    if (token !== undefined && isReading) return await this.#followed(response, path, token, query)
    // Without the slash, relative links of the app would lead out of it.
    if (path.rest === '' && isReading) return redirect(response, `${this.#base(path)}/${query}`)

    const here = arrival.path + query
    const admitted = await this.#admit(arrival, path).catch((error: unknown) => {
      const mayLogIn = error instanceof DomainError && error.code === 'authentication.required' && isReading
      if (!mayLogIn) throw error
      return undefined
    })
    if (!admitted) return redirect(response, this.prefix + loginPath(here))

    const missing = isNavigation(arrival) ? await this.#missingConsent(admitted) : undefined
    if (missing !== undefined) {
      // Back to this page, and not to the one with the link that led here.
      response.setHeader('Referrer-Policy', 'no-referrer')
      return redirect(response, this.prefix + consentPath(missing, here))
    }

    const introduction = await this.#introduction(arrival, path, admitted)
    try {
      await this.proxy.web(request, response, (path.rest || '/') + query, introduction)
    } catch (error) {
      throw this.#unreachable(admitted, error)
    }
  }

  /**
   * As `web`, for a WebSocket: it is refused to pages of other origins, and closed when its visitor has to leave.
   * @param refuse for an app that cannot be reached; everything else is thrown
   */
  async socket(arrival: Arrival, socket: Socket, head: Buffer, refuse: (error: unknown) => void): Promise<void> {
    const path = placeOf(arrival)
    const { origin } = arrival.request.headers
    if (origin !== undefined && origin !== this.address.origin) {
      throw new DomainError(
        'forbidden',
        'request.origin_foreign',
        'A WebSocket can be opened by pages of this server only.',
      )
    }
    const admitted = await this.#admit(arrival, path)
    const introduction = await this.#introduction(arrival, path, admitted)
    const { content, visitor, shareToken } = admitted
    // Gone while it was being found out who they are.
    if (socket.destroyed) return
    this.sockets.add({
      socket,
      restsOn: [content.guid, visitor?.user.guid, visitor?.key, ...(visitor?.groups ?? []).map(({ guid }) => guid)],
      mayStay: () => this.#mayStay(content.guid, visitor, shareToken),
      received: () => socket.bytesRead,
      ...(visitor && { use: () => visitor.use() }),
    })
    const target = (path.rest || '/') + splitQuery(arrival.query).query
    this.proxy.socket(arrival.request, socket, head, target, introduction, (error) =>
      refuse(this.#unreachable(admitted, error)),
    )
  }

  async #admit(arrival: Arrival, { guid }: ContentPath): Promise<Admitted> {
    const [content, visitor] = await Promise.all([this.house.content(guid), this.callers.visitor(arrival)])
    if (!content) throw notFound()
    if (mayView(content, visitor && visitorOf(visitor))) return { content, visitor }
    if (content.locked) throw isLocked(content)
    const shareToken = this.#shareLinks.tokenIn(arrival.request.headers, guid)
    if (shareToken !== undefined && this.#shareLinks.opens(content, shareToken)) {
      return { content, visitor: undefined, shareToken }
    }
    if (!visitor && shareToken === undefined) throw authenticationRequired()

    // The *no* rests on somebody missing from a list, so whoever owns the list is asked once more.
    const now = await this.house.confirmContent(guid)
    if (!now) throw notFound()
    if (visitor && mayView(now, visitorOf(visitor))) return { content: now, visitor }
    if (shareToken !== undefined && this.#shareLinks.opens(now, shareToken)) {
      return { content: now, visitor: undefined, shareToken }
    }
    if (now.locked) throw isLocked(now)
    if (!visitor) throw authenticationRequired()
    throw new DomainError(
      'forbidden',
      'content.access_denied',
      'You do not have access to this content. Its owner can give it to you.',
    )
  }

  /** Whoever follows a share link goes on at once, without it: it must not stay in the address, nor in a Referer. */
  async #followed(response: ServerResponse, path: ContentPath, token: string, query: string): Promise<void> {
    const held = await this.house.content(path.guid)
    let cookie = held && this.#shareLinks.cookie(held, token)
    if (held && !cookie) {
      const now = await this.house.confirmContent(path.guid)
      cookie = now && this.#shareLinks.cookie(now, token)
    }
    if (cookie !== undefined) response.setHeader('Set-Cookie', cookie)
    response.setHeader('Referrer-Policy', 'no-referrer')
    redirect(response, this.#base(path) + (path.rest || '/') + query)
  }

  async #missingConsent({ content, visitor }: Admitted): Promise<string | undefined> {
    if (visitor?.sid === undefined) return undefined
    const version = this.house.contentVersion(content.guid)
    return await this.consents.firstMissing(visitor.user.guid, content, version, () => visitor.assertion('vault'))
  }

  async #introduction(arrival: Arrival, path: ContentPath, admitted: Admitted): Promise<Introduction> {
    const { content, visitor } = admitted
    const upstream = content.upstream_url === null ? null : URL.parse(content.upstream_url)
    if (!upstream) throw new AppUnreachable(`Nobody has said yet where this app runs. ${this.#owner(admitted)} can.`)
    const common = {
      upstream,
      address: this.address,
      base: this.#base(path),
      peer: arrival.address,
      correlationId: arrival.correlationId,
    }
    if (visitor?.sid === undefined) return common
    const sessionToken = await this.tokens.of(visitor.sid, content.guid, () => visitor.assertion('identity'))
    return {
      ...common,
      visitor: { guid: visitor.user.guid, username: visitor.user.username, groups: visitor.groups, sessionToken },
    }
  }

  /** @throws DomainError `replica.stale` */
  async #mayStay(
    contentGuid: string,
    visitor: ContentVisitor | undefined,
    shareToken: string | undefined,
  ): Promise<boolean> {
    const content = await this.house.content(contentGuid)
    if (!content) return false
    if (shareToken !== undefined) return mayView(content, undefined) || this.#shareLinks.opens(content, shareToken)
    if (!visitor) return mayView(content, undefined)
    const user = await this.callers.stillHere(visitor)
    if (!user) return false
    const asked = new Set(content.permissions.map(({ principal_guid }) => principal_guid))
    const groups = await this.house.groups(user.group_guids.filter((guid) => asked.has(guid)))
    return mayView(content, visitorOf({ user, groups }))
  }

  #unreachable(admitted: Admitted, cause: unknown): AppUnreachable {
    const who =
      cause instanceof UpstreamRefused
        ? 'This server may not connect to where it is said to run; an administrator'
        : this.#owner(admitted)
    return new AppUnreachable(`The app behind this page cannot be reached. ${who} can mend that.`, { cause })
  }

  /** Named only to people who are known themselves. */
  #owner({ content, visitor }: Admitted): string {
    const owner = visitor && this.house.peekUser(content.owner_guid)
    return owner ? `Its owner (${owner.username})` : 'Its owner'
  }

  #base({ guid }: ContentPath): string {
    return `${this.prefix}/content/${guid}`
  }
}

function placeOf({ path }: Arrival): ContentPath {
  const place = contentPathOf(path)
  if (!place) throw notFound()
  return place
}

/**
 * Whether a person is opening a page, as opposed to a page fetching or framing its parts. `Sec-Fetch-Mode` says nothing:
 * clients that are no browsers send it too.
 * @see https://www.w3.org/TR/fetch-metadata/#sec-fetch-dest-header
 */
const isNavigation = ({ request: { method, headers } }: Arrival): boolean =>
  isSafe(method) &&
  headers.accept?.includes('text/html') === true &&
  (headers['sec-fetch-dest'] ?? 'document') === 'document'

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(302, { Location: location, 'Cache-Control': 'no-store', 'Content-Length': 0 })
  response.end()
}

const isLocked = ({ locked_message: message }: ContentState): DomainError =>
  new DomainError(
    'forbidden',
    'content.access_denied',
    message ? `This content is locked: ${message}` : 'This content is locked.',
  )

const notFound = (): DomainError => new DomainError('not_found', 'content.not_found', 'There is no such content.')
