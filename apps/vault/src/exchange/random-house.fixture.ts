import {
  GRANT_TYPE_TOKEN_EXCHANGE,
  REQUESTED_TOKEN_TYPE,
  SUBJECT_TOKEN_TYPE,
  type AuthType,
  type ContentState,
  type IntegrationState,
  type Role,
  type UserState,
} from '#libs/contracts'
import type { GrantFacts } from '../grant/grant.queries.js'
import { clientFingerprint } from '../provider/client-fingerprint.js'
import { fingerprintOf } from '../service-account/service-token.js'
import type { Facts, KeyActor, Subject } from './decide.js'

// Two people, two content items and two integrations whose settings change at random, and what may come of an exchange.

/** The same numbers for the same seed (mulberry32). */
export class Chance {
  #state: number

  constructor(readonly seed: number) {
    this.#state = seed
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  one<T>(values: readonly T[]): T {
    return values[Math.floor(this.next() * values.length)]!
  }

  /** @param often from 0 to 1 */
  happens(often = 0.5): boolean {
    return this.next() < often
  }
}

export interface Person {
  readonly guid: string
  role: Role
  locked: boolean
  sid: string | undefined
}

export interface Item {
  readonly guid: string
  owner: string
  access: ContentState['access_type']
  kind: ContentState['kind']
  locked: boolean
  admitted: string[]
  associated: string[]
}

export interface Outside {
  readonly guid: string
  authType: AuthType
  /** Whether it gives temporary credentials for an ID token. */
  trades: boolean
  /** Which client it is at its provider. */
  client: string
  deleted: boolean
}

export interface Asked {
  readonly form: Readonly<Record<string, string>>
  readonly caller: KeyActor
  readonly subject: Subject
}

/**
 * Whose token an exchange brings: `grant/<user>/<integration>`, `service/<integration>`, or what the ID token of a user or
 * of content is traded for, `credentials/<user or content>/<integration>`; `undefined`: nobody's.
 */
export type Brought = string | undefined

const SIDS = ['morning', 'evening']
const TOKEN_ENDPOINT = 'https://acme.example/token'
const TOKEN_SERVICE = 'https://sts.example/'
const CLIENTS = ['robot', 'android']

export class RandomHouse {
  /** `<user>/<integration>`: who has consented to what, and to which client. */
  readonly consents = new Map<string, string>()
  requireContentKeys = false

  constructor(
    readonly chance: Chance,
    readonly people: readonly Person[],
    readonly items: readonly Item[],
    readonly outsides: readonly Outside[],
  ) {}

  static of(chance: Chance, newGuid: (n: number) => string): RandomHouse {
    const guid = (n: number): string => newGuid(n)
    const people = [1, 2].map((n): Person => ({ guid: guid(n), role: 'publisher', locked: false, sid: SIDS[0] }))
    const owner = people[0]!.guid
    const items = [3, 4].map((n): Item => ({
      guid: guid(n),
      owner,
      access: 'logged_in',
      kind: 'interactive',
      locked: false,
      admitted: [],
      associated: [],
    }))
    const outsides = [5, 6].map((n): Outside => ({
      guid: guid(n),
      authType: 'Viewer',
      trades: false,
      client: CLIENTS[0]!,
      deleted: false,
    }))
    return new RandomHouse(chance, people, items, outsides)
  }

  /** One fact becomes another; what lets people in is likelier, so that both outcomes are common. */
  change(): void {
    const { chance } = this
    const person = chance.one(this.people)
    const item = chance.one(this.items)
    const outside = chance.one(this.outsides)
    chance.one<() => void>([
      () => (person.role = chance.one(['viewer', 'publisher', 'publisher', 'administrator'])),
      () => (person.locked = chance.happens(0.15)),
      () => (person.sid = chance.one([...SIDS, ...SIDS, undefined])),
      () => (item.owner = chance.one(this.people).guid),
      () => (item.access = chance.one(['acl', 'logged_in', 'logged_in', 'all'])),
      () => (item.kind = chance.one(['interactive', 'interactive', 'unknown', 'rendered', 'static'])),
      () => (item.locked = chance.happens(0.15)),
      () => (item.admitted = this.people.filter(() => chance.happens()).map(({ guid }) => guid)),
      () => (item.associated = this.outsides.filter(() => chance.happens(0.7)).map(({ guid }) => guid)),
      () =>
        (outside.authType = chance.one(['Viewer', 'Viewer', 'Service Account', 'Service Account', 'Visitor API Key'])),
      () => (outside.trades = chance.happens(0.4)),
      () => (outside.deleted = chance.happens(0.1)),
      () => (outside.client = CLIENTS[chance.happens(0.05) ? 1 : 0]!),
      () => this.consents.set(`${person.guid}/${outside.guid}`, outside.client),
      () => this.consents.set(`${person.guid}/${outside.guid}`, outside.client),
      () => this.consents.set(`${person.guid}/${outside.guid}`, outside.client),
      () => this.consents.delete(`${person.guid}/${outside.guid}`),
      () => (this.requireContentKeys = chance.happens(0.25)),
    ])()
  }

  /** Somebody asks for something with whatever they have got hold of. */
  ask(): Asked {
    const { chance } = this
    const item = chance.one(this.items)
    // Mostly as it should be: each of these alone is a reason to refuse.
    const mostly = <T>(right: T, others: readonly T[]): T => (chance.happens(0.85) ? right : chance.one(others))
    const guids = (things: readonly { guid: string }[]): string[] => things.map(({ guid }) => guid)
    const viewer = chance.one(this.people)
    const subject: Subject = chance.happens(0.6)
      ? { type: 'viewer', userGuid: viewer.guid, content: item.guid, sid: mostly(viewer.sid ?? SIDS[0]!, SIDS) }
      : { type: 'content', content: item.guid }
    const person = mostly(item.owner, guids(this.people))
    const caller: KeyActor = chance.happens()
      ? { type: 'key', guid: 'k', user: person, role: mostly('publisher', ['viewer', 'administrator']) }
      : { type: 'content_key', guid: 'k', content: mostly(item.guid, guids(this.items)), owner: person }
    const audience = mostly<string | undefined>(item.associated[0], [...guids(this.outsides), undefined])
    const { accessToken, temporaryCredentials, apiKey } = REQUESTED_TOKEN_TYPE
    const isTraded = this.outsides.some(({ guid, trades }) => guid === audience && trades)
    const right = isTraded ? temporaryCredentials : chance.one([undefined, accessToken])
    const requested = mostly<string | undefined>(right, [undefined, accessToken, temporaryCredentials, apiKey])
    const type = subject.type === 'viewer' ? SUBJECT_TOKEN_TYPE.userSession : SUBJECT_TOKEN_TYPE.contentSession
    const form = {
      grant_type: GRANT_TYPE_TOKEN_EXCHANGE,
      subject_token_type: type,
      subject_token: 'a.b.c',
      ...(audience !== undefined && { audience }),
      ...(requested !== undefined && { requested_token_type: requested }),
    }
    return { form, caller, subject }
  }

  /** The model: the four facts and what the product says of each kind, in other words than the decision's. */
  expects({ form, caller, subject }: Asked): Brought {
    const item = this.items.find(({ guid }) => guid === subject.content)!
    const asking = this.people.find(({ guid }) => guid === (caller.type === 'key' ? caller.user : caller.owner))!
    const candidates =
      form['audience'] === undefined ? item.associated : item.associated.filter((guid) => guid === form['audience'])
    const outside = this.outsides.find(({ guid }) => candidates.length === 1 && guid === candidates[0])
    const keyIsGood =
      caller.type === 'content_key'
        ? caller.content === item.guid
        : !this.requireContentKeys && caller.role !== 'viewer'
    const ownerIsGood = asking.guid === item.owner && !asking.locked && asking.role !== 'viewer'
    const given = outside?.trades ? REQUESTED_TOKEN_TYPE.temporaryCredentials : REQUESTED_TOKEN_TYPE.accessToken
    const wantsIt = (form['requested_token_type'] ?? REQUESTED_TOKEN_TYPE.accessToken) === given
    if (!outside || outside.deleted || !keyIsGood || !ownerIsGood || !wantsIt || item.locked) return undefined

    if (subject.type === 'content') {
      if (outside.authType !== 'Service Account' || item.kind === 'static') return undefined
      return outside.trades ? `credentials/${item.guid}/${outside.guid}` : `service/${outside.guid}`
    }
    const viewer = this.people.find(({ guid }) => guid === subject.userGuid)!
    const isIn = viewer.guid === item.owner || item.admitted.includes(viewer.guid)
    const may =
      outside.authType === 'Viewer' &&
      (item.kind === 'interactive' || item.kind === 'unknown') &&
      !viewer.locked &&
      viewer.sid === subject.sid &&
      (item.access === 'logged_in' || (item.access === 'acl' && isIn)) &&
      this.consents.get(`${viewer.guid}/${outside.guid}`) === outside.client
    return may ? `${outside.trades ? 'credentials' : 'grant'}/${viewer.guid}/${outside.guid}` : undefined
  }

  userState({ guid, role, locked, sid }: Person, now: Date): UserState {
    const expires_at = new Date(now.getTime() + 3_600_000).toISOString()
    const names = { username: 'u', first_name: '', last_name: '', email: '' }
    const sessions = sid === undefined ? [] : [{ sid, expires_at }]
    return { guid, ...names, user_role: role, locked, group_guids: [], sessions }
  }

  contentState({ guid, owner, access, kind, locked, admitted, associated }: Item): ContentState {
    return {
      guid,
      owner_guid: owner,
      name: 'report',
      access_type: access,
      kind,
      upstream_url: null,
      locked,
      permissions: admitted.map((principal_guid) => ({ principal_guid, principal_type: 'user', role: 'viewer' })),
      associations: associated.map((oauth_integration_guid) => ({ oauth_integration_guid, auth_type: 'Viewer' })),
    }
  }

  integrationState(
    { guid, authType, trades, client: client_id, deleted }: Outside,
    tokenEndpoint: string,
    endpoint: string,
  ): IntegrationState | null {
    if (deleted) return null
    const client = {
      client_id,
      token_endpoint_auth_method: 'none',
      scope: '',
      client_secret_reference: null,
    } as const
    const authorization_server = { token_endpoint: tokenEndpoint }
    const { temporaryCredentials: type } = REQUESTED_TOKEN_TYPE
    const issues = { type, endpoint, parameters: {}, audience: guid }
    const state = { guid, name: null, auth_type: authType, authorization_server, client, quirks: [] }
    return { ...state, ...(trades && { issues }) }
  }

  /** What the one statement would find. */
  facts({ form, caller, subject }: Asked, now: Date): Facts {
    const item = this.items.find(({ guid }) => guid === subject.content)!
    const person = (guid: string) =>
      this.userState(
        this.people.find((each) => each.guid === guid)!,
        now,
      )
    const chosen = form['audience'] ?? item.associated[0]
    const outside = this.outsides.find(({ guid }) => guid === chosen)
    const integration = outside && this.integrationState(outside, TOKEN_ENDPOINT, TOKEN_SERVICE)
    const viewer = subject.type === 'viewer' ? subject.userGuid : undefined
    const consented = this.consents.get(`${viewer}/${chosen}`)
    const then = outside && consented !== undefined && { ...outside, client: consented, deleted: false }
    const grant: GrantFacts = {
      guid: `grant/${viewer}/${chosen}`,
      status: 'usable',
      generation: 1,
      client: then ? clientFingerprint(this.integrationState(then, TOKEN_ENDPOINT, TOKEN_SERVICE)!) : null,
      expiresAt: new Date(now.getTime() + 600_000),
      hasRefreshToken: true,
      idTokenExpiresAt: new Date(now.getTime() + 300_000),
    }
    return {
      now,
      content: this.contentState(item),
      visitor: viewer === undefined ? undefined : person(viewer),
      callerUser: person(caller.type === 'key' ? caller.user : caller.owner),
      liveGroupGuids: [],
      unknownGroupGuids: [],
      integration,
      grant: consented !== undefined ? grant : undefined,
      serviceToken:
        viewer === undefined && integration
          ? { fingerprint: fingerprintOf(integration), generation: 1, obtainedAt: now, expiresAt: grant.expiresAt }
          : undefined,
    }
  }
}
