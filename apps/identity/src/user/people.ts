import { Injectable } from '@nestjs/common'
import { DomainError, type Role } from '#libs/contracts'
import { release, sql, Streams, type CommandContext, type SqlClient } from '#libs/event-sourcing'
import { AuthorizationSettings, OAuth2Settings } from '#libs/service'
import { ApiKeys } from '../api-key/api-keys.js'
import { editability, mustBeEditable, type Editability, type Wanted } from './editability.js'
import { leaveOneAdministrator } from './first-administrator.js'
import { changedFields, eraseProfile, writeProfile, type Profile } from './profile.js'
import { PROVIDER_ID, providerIdValue, takeProviderId } from './provider-identity.js'
import type { Editor } from './user.decider.js'
import type { SessionEndReason, UserOrigin } from './user.events.js'
import { UserQueries, type UserRow } from './user.queries.js'
import { userStream } from './user.stream.js'
import { mustBeEditableUsername, mustBePermitted } from './username-rules.js'
import { takeUsername } from './username.js'

const MOST_ATTEMPTS = 5

/** What somebody is to become; absent members stay as they are. `externalId` is for the operator alone. */
export type PersonChange = Wanted & { readonly externalId?: string }

/** A person who has yet to come for the first time. */
export interface NewPerson extends Profile {
  /** Absent: the default one. */
  readonly role: Role | undefined
}

/** What `force` permits the operator: to leave no administrator behind. */
export interface Force {
  readonly force?: boolean
}

/** Makes, changes and removes people, besides logins: for the API and for the operator at the shell. */
@Injectable()
export class People {
  readonly #editable: Editability

  constructor(
    private readonly streams: Streams,
    private readonly users: UserQueries,
    private readonly apiKeys: ApiKeys,
    private readonly oauth2: OAuth2Settings,
    private readonly authorization: AuthorizationSettings,
  ) {
    this.#editable = editability(oauth2, authorization)
  }

  /**
   * Makes a person ahead of their first login, which finds them by `externalId`.
   * @throws DomainError `user.username_invalid`, `user.username_prohibited`, `user.username_taken`,
   *   `user.provider_id_taken`
   */
  async register(
    guid: string,
    origin: Exclude<UserOrigin, 'provider' | 'bootstrap'>,
    { role, ...profile }: NewPerson,
    context: CommandContext,
  ): Promise<void> {
    this.#mustBeUsername(profile.username)
    const command = {
      type: 'RegisterUser',
      origin,
      role,
      defaultRole: this.authorization.defaultUserRole,
      profile: { basis: 0, fields: changedFields(undefined, profile) },
    } as const
    await this.streams.handle(userStream, guid, command, context, {
      record: async (client) => {
        await takeProviderId(client, guid, { issuer: this.oauth2.issuer, uniqueId: profile.externalId })
        await takeUsername(client, guid, profile.username)
        await writeProfile(client, guid, 1, profile)
      },
    })
  }

  /**
   * Changes profile and role in one append.
   * @throws DomainError `user.not_found`, the refusals of `mustBeEditable` and of usernames, `user.last_administrator`,
   *   `user.provider_id_taken`
   */
  async change(
    guid: string,
    { externalId, ...wanted }: PersonChange,
    editor: Editor,
    context: CommandContext,
    force: Force = {},
  ): Promise<void> {
    if (externalId !== undefined && editor !== 'operator') throw new Error('Only the operator changes unique ids.')
    for (let attempt = 1; ; attempt++) {
      try {
        const before = await this.users.get(guid)
        mustBeEditable(this.#editable, editor, guid, before, wanted)
        return await this.#change(before, { ...wanted, ...(externalId && { externalId }) }, editor, context, force)
      } catch (error) {
        const superseded = error instanceof DomainError && error.code === 'user.profile_superseded'
        if (!superseded || attempt === MOST_ATTEMPTS) throw error
      }
    }
  }

  /** @throws DomainError `user.not_found`, `user.may_not_lock`, `user.last_administrator` */
  async lock(
    guid: string,
    locked: boolean,
    editor: Editor,
    context: CommandContext,
    { force }: Force = {},
  ): Promise<void> {
    const command = locked ? ({ type: 'LockUser', guid, editor } as const) : ({ type: 'UnlockUser', editor } as const)
    await this.streams.handle(userStream, guid, command, context, locked && !force ? KEEP_ONE : {})
  }

  /** Ends all browser sessions of a person. @throws DomainError `user.not_found` */
  async endSessions(guid: string, reason: SessionEndReason, context: CommandContext): Promise<void> {
    await this.streams.handle(userStream, guid, { type: 'EndSessions', reason }, context)
  }

  /**
   * Removes a person for good: profile, names, keys, sessions and memberships. What they own elsewhere is the caller's
   * business; groups are asked about here.
   * @throws DomainError `user.not_found`, `user.owns_groups`, `user.last_administrator`
   */
  async delete(guid: string, context: CommandContext): Promise<void> {
    await this.streams.handle(userStream, guid, { type: 'DeleteUser' }, context, {
      record: async (client) => {
        await mustOwnNoGroups(client, guid)
        await leaveOneAdministrator(client)
        await eraseProfile(client, guid)
      },
    })
    // Good for nothing by now: without a person behind them, these only have to be tidied away.
    await this.apiKeys.deleteOf(guid, context)
  }

  async #change(
    before: UserRow,
    { role, ...wanted }: PersonChange,
    editor: Editor,
    context: CommandContext,
    { force }: Force,
  ): Promise<void> {
    const { guid } = before
    const after: Profile = {
      username: wanted.username ?? before.username,
      firstName: wanted.firstName ?? before.firstName,
      lastName: wanted.lastName ?? before.lastName,
      email: wanted.email ?? before.email,
      externalId: wanted.externalId ?? before.externalId,
    }
    const fields = changedFields(before, after)
    if (fields.includes('username')) this.#mustBeUsername(after.username)
    const profile = fields.length > 0 ? { basis: before.profileVersion, fields } : undefined
    const command = { type: 'ChangeUser', editor, profile, role } as const
    await this.streams.handle(userStream, guid, command, context, {
      record: async (client) => {
        if (fields.includes('username')) await takeUsername(client, guid, after.username)
        if (fields.includes('externalId')) await this.#moveProviderId(client, guid, after.externalId)
        if (profile) await writeProfile(client, guid, profile.basis + 1, after)
        if (role && !force) await leaveOneAdministrator(client)
      },
    })
  }

  async #moveProviderId(client: SqlClient, guid: string, uniqueId: string): Promise<void> {
    const identity = { issuer: this.oauth2.issuer, uniqueId }
    await takeProviderId(client, guid, identity)
    await release(client, PROVIDER_ID, guid, providerIdValue(identity))
  }

  #mustBeUsername(username: string): void {
    if (username.trim() === '') throw new DomainError('invalid', 'user.username_invalid', 'A username is not blank.')
    if (this.oauth2.usernamesAreEditable) mustBeEditableUsername(username)
    else mustBePermitted(username)
  }
}

const KEEP_ONE = { record: leaveOneAdministrator }

async function mustOwnNoGroups(client: SqlClient, guid: string): Promise<void> {
  const { rowCount } = await client.query(sql`select from user_group where owner_guid = ${guid} limit 1`)
  if (!rowCount) return
  throw new DomainError('conflict', 'user.owns_groups', 'This user owns groups; give them to somebody else first.')
}
