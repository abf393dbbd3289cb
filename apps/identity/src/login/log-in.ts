import { randomUUID } from 'node:crypto'
import { Inject, Injectable, Logger, Optional } from '@nestjs/common'
import { DomainError, Secret } from '#libs/contracts'
import { Streams, type CommandContext, type SqlClient } from '#libs/event-sourcing'
import { AuthenticationSettings, AuthorizationSettings, OAuth2Settings } from '#libs/service'
import { GroupProvisioning } from '../group/provisioning.js'
import { newSession, type NewSession } from '../session/session.js'
import { leaveOneAdministrator, takeFirstAdministrator } from '../user/first-administrator.js'
import { changedFields, writeProfile } from '../user/profile.js'
import { takeProviderId, userGuidOf, type ProviderIdentity } from '../user/provider-identity.js'
import { UserQueries, type UserRow } from '../user/user.queries.js'
import { userStream } from '../user/user.stream.js'
import { takeUsername } from '../user/username.js'
import { mustHaveAccess } from './access.js'
import { groupsOf, profileOf, roleValuesOf, uniqueIdOf, type Claims, type GroupsClaim } from './claims.js'
import { GroupOverage } from './group-overage.js'
import { LogInQueries } from './log-in.queries.js'
import { LOGIN_KEY } from './login-key.js'
import { mappedRole, type MappedRole } from './role-mapping.js'
import type { VerifiedLogin } from './verified-login.js'

const MOST_ATTEMPTS = 100

/** Somebody else was faster: what was decided on is no longer so. */
const AGAIN = [
  'user.not_found',
  'user.profile_superseded',
  'user.not_first',
  'user.provider_id_taken',
  'user.username_taken',
  'user.last_administrator',
]

interface LogInOptions {
  readonly formerSid?: string
  readonly correlationId?: string
  readonly begun?: (client: SqlClient, sid: string) => Promise<void>
}

/** A session, and whose it is. */
export interface LoggedInSession extends NewSession {
  readonly userGuid: string
}

/** From a verified login to a session: profile, role, memberships and session are one append to the user's stream. */
@Injectable()
export class LogIn {
  readonly #logger = new Logger(LogIn.name)

  constructor(
    private readonly streams: Streams,
    private readonly users: UserQueries,
    private readonly queries: LogInQueries,
    private readonly groups: GroupProvisioning,
    private readonly oauth2: OAuth2Settings,
    private readonly authentication: AuthenticationSettings,
    private readonly authorization: AuthorizationSettings,
    @Inject(LOGIN_KEY) private readonly key: Secret,
    @Optional() private readonly overage?: GroupOverage,
  ) {}

  /**
   * @param options.formerSid the session that the browser had before; it ends
   * @param options.begun writes what belongs to the new session, inside the append that begins it
   * @throws DomainError `login.claim_missing`, `login.access_denied`, `login.not_provisioned`, `login.username_missing`,
   *   `login.username_prohibited`, `user.locked`; nothing is stored then
   */
  async run(verified: VerifiedLogin, { formerSid, correlationId, begun }: LogInOptions = {}): Promise<LoggedInSession> {
    const { claims } = verified
    const context: CommandContext = { actor: { type: 'provider' }, commandId: randomUUID(), correlationId }
    // The issuer of the settings, by which people are made ahead too; `verified` has been proved to be of it.
    const identity = { issuer: this.oauth2.issuer, uniqueId: uniqueIdOf(claims, this.oauth2) }
    mustHaveAccess(claims, this.oauth2)
    // Whatever would be refused below is refused before a group is made.
    const person = await this.#personOf(identity)
    if (person.before?.locked) throw locked()
    profileOf(claims, this.oauth2, identity.uniqueId, person.before)

    const told = await this.#groupsOf(verified, person.guid)
    const mapped = this.#roleOf(claims, told)
    this.#explain(person.guid, claims, told, mapped)
    const groups = told.told ? await this.groups.guidsOf(told.groups, context) : undefined
    const formerHolder = formerSid && (await this.users.holderOfSession(formerSid))
    const login = { identity, claims, groups, mapped, formerSid, formerHolder, begun }
    const session = await this.#append(login, person, context)
    if (formerSid && formerHolder && formerHolder !== session.userGuid) {
      const end = { type: 'EndSession', sid: formerSid, reason: 'replaced' } as const
      await this.streams.handle(userStream, formerHolder, end, context)
    }
    return session
  }

  /**
   * Whom the provider means: the holder of exactly this unique ID, who may have been made ahead; else somebody new.
   * @throws DomainError `login.not_provisioned`
   */
  async #personOf(identity: ProviderIdentity): Promise<Person> {
    const holder = await this.queries.holderOf(identity)
    if (holder) return { guid: holder, before: await this.users.find(holder), isNew: false }
    if (!this.oauth2.registerOnFirstLogin) throw notProvisioned()
    for (let number = 1; ; number++) {
      const guid = userGuidOf(this.key, identity, number)
      // Somebody who was deleted, or whose unique ID was changed, keeps the guid for ever.
      const { version } = await this.streams.load(userStream, guid)
      if (version === 0) return { guid, before: undefined, isNew: true }
    }
  }

  async #groupsOf(verified: VerifiedLogin, user: string): Promise<GroupsClaim> {
    const told = groupsOf(verified.claims, this.oauth2, this.authorization)
    if (told.told || (told.why !== 'overage' && told.why !== 'too many')) return told
    if (told.why === 'overage' && this.oauth2.groupsByUniqueId) {
      const groups = await this.overage?.heal(verified)
      if (groups) return { told: true, groups }
    }
    const what = told.why === 'overage' ? 'groups overage: the provider left the groups out of' : 'too many groups in'
    this.#logger.warn({ user }, `${what} the claims of a login; memberships and role by group stay as they were`)
    return told
  }

  /**
   * The groups that count are those of the claim, whether they exist here or not (ROLE-14, ROLE-17): a role may hang on
   * a group that grants nothing else. A login that says nothing of groups changes no role that follows from them.
   */
  #roleOf(claims: Claims, told: GroupsClaim): MappedRole | undefined {
    if (!this.authorization.rolesAreMapped) return undefined
    if (!this.authorization.userRoleGroupMapping) {
      return mappedRole(this.authorization, roleValuesOf(claims, this.oauth2))
    }
    return told.told ? mappedRole(this.authorization, told.groups) : undefined
  }

  /** Names of claims and steps of ours; never a value. */
  #explain(user: string, claims: Claims, told: GroupsClaim, mapped: MappedRole | undefined): void {
    if (!this.oauth2.logging) return
    this.#logger.log(
      {
        user,
        claims: Object.keys(claims).slice(0, 100),
        groups: told.told ? told.groups.length : told.why,
        role: mapped ? { matches: mapped.matches, mapped: mapped.role } : 'not mapped',
      },
      'claims of a login',
    )
  }

  async #append(login: Login, first: Person, context: CommandContext): Promise<LoggedInSession> {
    const tried: Tried = { namesTaken: 0, keepRole: false }
    for (let attempt = 1, person = first; ; attempt++) {
      try {
        if (attempt > 1) person = await this.#personOf(login.identity)
        return await this.#attempt(login, person, tried, context)
      } catch (error) {
        const code = error instanceof DomainError ? error.code : ''
        if (attempt === MOST_ATTEMPTS || !AGAIN.includes(code)) throw error
        if (code === 'user.username_taken') tried.namesTaken++
        if (code === 'user.last_administrator') tried.keepRole = true
      }
    }
  }

  async #attempt(
    login: Login,
    { guid, before, isNew }: Person,
    tried: Tried,
    context: CommandContext,
  ): Promise<LoggedInSession> {
    const { identity, claims, groups, mapped, formerSid, formerHolder, begun } = login
    const now = new Date()
    const { profile: stated, origin } = profileOf(claims, this.oauth2, identity.uniqueId, before)
    const isDerived = origin === 'email'
    const username = isDerived ? await this.queries.freeName(stated.username, guid, tried.namesTaken) : stated.username
    const profile = { ...stated, username }
    const fields = changedFields(before, profile)
    const basis = before?.profileVersion ?? 0
    const firstAdministrator = isNew && !(await this.users.hasFirstAdministrator())
    const mapping = mapped && !tried.keepRole ? { role: mapped.role, from: before?.role } : undefined
    const session = newSession(now, this.authentication.lifetimeMs)
    const command = {
      type: 'LogIn',
      now,
      firstAdministrator,
      defaultRole: this.authorization.defaultUserRole,
      mapping,
      profile: { basis, fields },
      groups,
      session,
      replaces: formerHolder === guid ? formerSid : undefined,
    } as const
    const { state } = await this.streams.handle(userStream, guid, command, context, {
      record: async (client) => {
        if (firstAdministrator && !(await takeFirstAdministrator(client, guid))) throw notFirst()
        if (isNew) await takeProviderId(client, guid, identity)
        if (isDerived) await takeUsername(client, guid, username)
        if (fields.length > 0) await writeProfile(client, guid, basis + 1, profile)
        if (before?.role === 'administrator' && mapping && mapping.role !== 'administrator') {
          await leaveOneAdministrator(client)
        }
        await begun?.(client, session.sid)
      },
    })
    if (mapped && state.status === 'registered' && state.role !== mapped.role) {
      this.#logger.warn(
        { user: guid, mapped: mapped.role },
        'the role of the only administrator is not mapped: nobody would be left who may administer',
      )
    }
    return { ...session, userGuid: guid }
  }
}

interface Person {
  readonly guid: string
  readonly before: UserRow | undefined
  readonly isNew: boolean
}

interface Login {
  readonly identity: ProviderIdentity
  readonly claims: Claims
  readonly groups: readonly string[] | undefined
  readonly mapped: MappedRole | undefined
  readonly formerSid: string | undefined
  readonly formerHolder: string | undefined
  readonly begun: LogInOptions['begun']
}

/** What earlier attempts have found out. */
interface Tried {
  namesTaken: number
  keepRole: boolean
}

const locked = () => new DomainError('forbidden', 'user.locked', 'This user is locked; ask an administrator.')

const notFirst = () => new DomainError('conflict', 'user.not_first', 'Somebody else was first.')

const notProvisioned = () =>
  new DomainError(
    'forbidden',
    'login.not_provisioned',
    'You have no account here yet. An administrator must make the account before you can log in.',
  )
