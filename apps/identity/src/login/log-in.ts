import { randomUUID } from 'node:crypto'
import { Injectable, Logger } from '@nestjs/common'
import { v5 as uuidV5 } from 'uuid'
import { DomainError } from '#libs/contracts'
import { reserve, Streams, type CommandContext, type SqlClient } from '#libs/event-sourcing'
import { AuthenticationSettings, AuthorizationSettings, OAuth2Settings } from '#libs/service'
import { GroupProvisioning } from '../group/provisioning.js'
import { newSession, type NewSession } from '../session/session.js'
import { takeFirstAdministrator } from '../user/first-administrator.js'
import { changedFields, writeProfile, type Profile } from '../user/profile.js'
import { UserQueries, type UserRow } from '../user/user.queries.js'
import { takeUsername } from '../user/username.js'
import { userStream } from '../user/user.stream.js'
import { groupsOf, profileOf, uniqueIdOf, type Claims } from './claims.js'

const PEOPLE = '0d1f6a1e-57a8-4f0e-9a3f-4d8f3e0f6c52'
const PROVIDER_ID = 'provider_id'
const MOST_ATTEMPTS = 100

/** The same person of the same issuer is always the same user, and nobody else ever is. */
const userGuidOf = (issuer: string, uniqueId: string): string => uuidV5(JSON.stringify([issuer, uniqueId]), PEOPLE)

/** Somebody else was faster: what was decided on is no longer so. */
const AGAIN = ['user.profile_superseded', 'user.not_first']
const NEXT_NAME = 'user.username_taken'

/** From verified claims to a session: profile, memberships and session are one append to the user's stream. */
@Injectable()
export class LogIn {
  readonly #logger = new Logger(LogIn.name)

  constructor(
    private readonly streams: Streams,
    private readonly users: UserQueries,
    private readonly groups: GroupProvisioning,
    private readonly oauth2: OAuth2Settings,
    private readonly authentication: AuthenticationSettings,
    private readonly authorization: AuthorizationSettings,
  ) {}

  /**
   * @param formerSid the session that the browser had before; it ends
   * @throws DomainError `user.locked`, `login.claim_missing`, `login.username_missing`, `login.username_prohibited`
   */
  async run(
    { issuer, claims }: { readonly issuer: string; readonly claims: Claims },
    { formerSid, correlationId }: { readonly formerSid?: string; readonly correlationId?: string } = {},
  ): Promise<NewSession> {
    const context: CommandContext = { actor: { type: 'provider' }, commandId: randomUUID(), correlationId }
    const uniqueId = uniqueIdOf(claims, this.oauth2)
    const guid = userGuidOf(issuer, uniqueId)
    const names = groupsOf(claims, this.oauth2)
    if (this.oauth2.logging) {
      this.#logger.log({ user: guid, claims: Object.keys(claims), groups: names?.length }, 'claims of a login')
    }
    const groups = names && (await this.groups.guidsOf(names, this.oauth2.groupsAutoProvision, context))
    const formerHolder = formerSid && (await this.users.holderOfSession(formerSid))
    const replaces = formerHolder === guid ? formerSid : undefined
    const session = await this.#append({ issuer, uniqueId, guid, claims, groups, replaces }, context)
    if (formerSid && formerHolder && !replaces) {
      const end = { type: 'EndSession', sid: formerSid, reason: 'replaced' } as const
      await this.streams.handle(userStream, formerHolder, end, context)
    }
    return session
  }

  async #append(login: Login, context: CommandContext): Promise<NewSession> {
    for (let attempt = 1, nameNumber = 1; ; attempt++) {
      try {
        return await this.#attempt(login, nameNumber, context)
      } catch (error) {
        const code = error instanceof DomainError ? error.code : ''
        if (attempt === MOST_ATTEMPTS || ![...AGAIN, NEXT_NAME].includes(code)) throw error
        if (code === NEXT_NAME) nameNumber++
      }
    }
  }

  async #attempt(login: Login, nameNumber: number, context: CommandContext): Promise<NewSession> {
    const { guid, groups, replaces } = login
    const now = new Date()
    const before = await this.users.find(guid)
    const { profile, derived } = this.#profile(login, before, nameNumber)
    const firstAdministrator = !before && !(await this.users.hasFirstAdministrator())
    const basis = before?.profileVersion ?? 0
    const fields = changedFields(before, profile)
    const session = newSession(now, this.authentication.lifetimeMs)
    const command = {
      type: 'LogIn',
      now,
      firstAdministrator,
      defaultRole: this.authorization.defaultUserRole,
      profile: { basis, fields },
      groups,
      session,
      replaces,
    } as const
    await this.streams.handle(userStream, guid, command, context, {
      record: async (client) => {
        if (firstAdministrator && !(await takeFirstAdministrator(client, guid))) throw notFirst()
        if (!before) await this.#takeProviderId(client, login)
        if (derived) await takeUsername(client, guid, profile.username)
        if (fields.length > 0) await writeProfile(client, guid, basis + 1, profile)
      },
    })
    return session
  }

  #profile(
    { claims, uniqueId }: Login,
    before: UserRow | undefined,
    nameNumber: number,
  ): { profile: Profile; derived: boolean } {
    const { profile, derived } = profileOf(claims, this.oauth2, uniqueId, before)
    // ID-20: a derived name that is taken gets the next free number.
    const username = derived && nameNumber > 1 ? `${profile.username}${nameNumber}` : profile.username
    return { profile: { ...profile, username }, derived }
  }

  async #takeProviderId(client: SqlClient, { issuer, uniqueId, guid }: Login): Promise<void> {
    if (await reserve(client, PROVIDER_ID, JSON.stringify([issuer, uniqueId]), guid)) return
    throw new DomainError('conflict', 'user.provider_id_taken', 'Another user has this unique id already.')
  }
}

interface Login {
  readonly issuer: string
  readonly uniqueId: string
  readonly guid: string
  readonly claims: Claims
  readonly groups: readonly string[] | undefined
  readonly replaces: string | undefined
}

const notFirst = () => new DomainError('conflict', 'user.not_first', 'Somebody else was first.')
