import { Injectable, Logger } from '@nestjs/common'
import { DomainError, permissionDenied, isAtLeast, type Actor, type Person, type Role } from '#libs/contracts'
import type { CommandContext } from '#libs/event-sourcing'
import { createdGuid, OAuth2Settings } from '#libs/service'
import { LogInQueries } from '../login/log-in.queries.js'
import { People } from '../user/people.js'
import { UserQueries, type UserRow } from '../user/user.queries.js'
import { legalUsername, localPart } from '../user/username-rules.js'
import type { DirectoryPerson } from './directory-person.js'
import { DirectoryQueries } from './directory.queries.js'
import { DirectoryError, GoogleDirectory } from './google-directory.js'
import { LoginTokens } from './login-tokens.js'
import { Tickets } from './tickets.js'

const MOST_ATTEMPTS = 100
/** Known people that one search shows; the directory gives as many at most. */
const MOST_KNOWN = 100

/**
 * Whether the provider's directory was asked. `login_needed`: not on behalf of this caller, who has to log in (again)
 * with a browser; `unavailable`: it did not answer, or not to this caller; `not_asked`: there was nothing to ask for.
 */
export const DIRECTORY_STATES = ['searched', 'login_needed', 'unavailable', 'not_asked'] as const
export type DirectoryState = (typeof DIRECTORY_STATES)[number]

export type PersonFound = { readonly ticket: string } & (
  { readonly known: UserRow } | { readonly unknown: DirectoryPerson; readonly username: string }
)

/** What a client may say of somebody who is added. Only administrators may say anything. */
export interface Wishes {
  readonly role?: Role | undefined
  readonly username?: string | undefined
}

/** Finds people in the provider's directory and among those who are known here, and adds those who are not. */
@Injectable()
export class PeopleSearch {
  readonly #logger = new Logger(PeopleSearch.name)

  constructor(
    private readonly people: People,
    private readonly users: UserQueries,
    private readonly names: LogInQueries,
    private readonly queries: DirectoryQueries,
    private readonly directory: GoogleDirectory,
    private readonly tokens: LoginTokens,
    private readonly tickets: Tickets,
    private readonly oauth2: OAuth2Settings,
  ) {}

  /**
   * Those who are known come first. What the directory says is asked anew each time, with the searcher's own token, and
   * joined by unique ID alone: an address leads to nobody, since with another unique ID it is another person's.
   * @throws DomainError `user.no_remote_search` unless the provider has a directory that we can ask
   */
  async search(
    prefix: string,
    searcher: Person,
    actor: Actor,
  ): Promise<{ found: PersonFound[]; directory: DirectoryState }> {
    if (!this.oauth2.isGoogle) throw noRemoteSearch()
    const [known, { people, state }] = await Promise.all([this.#known(prefix), this.#listed(prefix, actor)])
    const holders = await this.queries.holdersOf(
      this.oauth2.issuer,
      people.map(({ uniqueId }) => uniqueId),
    )
    const shown = new Set(known.map(({ guid }) => guid))
    // Somebody's entry in the directory may match where what is stored here does not.
    const others = await this.users.many([...new Set(holders.values())].filter((guid) => !shown.has(guid)))
    const found = await Promise.all([
      ...[...known, ...others].map(async (user) => ({
        known: user,
        ticket: await this.tickets.seal(searcher.guid, { guid: user.guid }),
      })),
      ...people
        .filter(({ uniqueId }) => !holders.has(uniqueId))
        .map(async (person) => ({
          unknown: person,
          username: usernameOf(person),
          ticket: await this.tickets.seal(searcher.guid, { person }),
        })),
    ])
    return { found, directory: state }
  }

  /**
   * Makes the account of somebody who was found; whoever has one already keeps it as it is.
   * @returns the user's guid
   * @throws DomainError `user.temp_ticket_unsupported`, `user.temp_ticket_invalid`, `permission.denied`,
   *   `role.not_grantable`, and the refusals of usernames
   */
  async add(ticket: string | undefined, wishes: Wishes, adder: Person, context: CommandContext): Promise<string> {
    if (!this.oauth2.isGoogle) throw ticketUnsupported()
    const isAdministrator = isAtLeast(adder.role, 'administrator')
    if (wishes.role !== undefined && !isAdministrator) throw notGrantable()
    if (wishes.username !== undefined && !isAdministrator) throw permissionDenied()
    const found = await this.tickets.open(ticket ?? '', adder.guid)
    if ('guid' in found) return (await this.users.get(found.guid)).guid
    const { person } = found
    const guid = createdGuid(context.commandId, 'user')
    for (let attempt = 1; ; attempt++) {
      const holder = (await this.queries.holdersOf(this.oauth2.issuer, [person.uniqueId])).get(person.uniqueId)
      if (holder !== undefined) return holder
      // Where nobody comes in whom an administrator has not let in, nobody else lets them in here either.
      if (!this.oauth2.registerOnFirstLogin && !isAdministrator) throw permissionDenied()
      const username = wishes.username ?? (await this.names.freeName(usernameOf(person), guid, 0))
      try {
        const { uniqueId: externalId, email, firstName, lastName } = person
        const profile = { username, email, firstName, lastName, externalId }
        await this.people.register(guid, 'directory', { ...profile, role: wishes.role }, context)
        return guid
      } catch (error) {
        const code = error instanceof DomainError ? error.code : ''
        const again =
          code === 'user.provider_id_taken' || (code === 'user.username_taken' && wishes.username === undefined)
        if (!again || attempt === MOST_ATTEMPTS) throw error
      }
    }
  }

  async #known(prefix: string): Promise<UserRow[]> {
    const order = { sort: 'username', ascending: true, page: 1, pageSize: MOST_KNOWN } as const
    return (await this.users.page({ prefix, ...order })).users
  }

  async #listed(prefix: string, actor: Actor): Promise<{ people: DirectoryPerson[]; state: DirectoryState }> {
    const nobody = (state: DirectoryState) => ({ people: [], state })
    if (prefix.trim() === '') return nobody('not_asked')
    // A key is nobody's login at the provider.
    if (actor.type !== 'user') return nobody('login_needed')
    if (this.oauth2.uniqueIdClaim !== DIRECTORY_ID_CLAIM) {
      this.#logger.warn(
        `the directory is not asked: people are known by ${this.oauth2.uniqueIdClaim}, which it does not tell`,
      )
      return nobody('unavailable')
    }
    try {
      const token = await this.tokens.find(actor.guid, actor.sid)
      if (!token) return nobody('login_needed')
      return { people: await this.directory.search(prefix, token), state: 'searched' }
    } catch (error) {
      if (!(error instanceof DomainError || error instanceof DirectoryError)) throw error
      this.#logger.warn({ err: error, user: actor.guid }, 'a search found known people only')
      return nobody(error instanceof DirectoryError && error.reason === 'token' ? 'login_needed' : 'unavailable')
    }
  }
}

/** What the directory identifies people by. */
const DIRECTORY_ID_CLAIM = 'sub'

/** The name that a first login would give them, but for the number. */
const usernameOf = ({ email }: DirectoryPerson): string => legalUsername(localPart(email))

const noRemoteSearch = (): DomainError =>
  new DomainError(
    'invalid',
    'user.no_remote_search',
    'People of this login provider cannot be searched: GET /v1/users finds those who are known here.',
  )

const ticketUnsupported = (): DomainError =>
  new DomainError(
    'invalid',
    'user.temp_ticket_unsupported',
    'With this login provider, people are made by POST /v1/users with their external_id.',
  )

const notGrantable = (): DomainError =>
  new DomainError('forbidden', 'role.not_grantable', 'Only an administrator may give a role.')
