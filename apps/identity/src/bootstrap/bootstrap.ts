import { Injectable } from '@nestjs/common'
import { DomainError, type Secret } from '#libs/contracts'
import { Streams, type CommandContext, type SqlClient } from '#libs/event-sourcing'
import { createdGuid } from '#libs/service'
import { ApiKeys } from '../api-key/api-keys.js'
import { takeFirstAdministrator } from '../user/first-administrator.js'
import { writeProfile } from '../user/profile.js'
import { UserQueries } from '../user/user.queries.js'
import { takeUsername } from '../user/username.js'
import { userStream } from '../user/user.stream.js'

const USERNAME = 'admin'

/** The first administrator without a browser. */
@Injectable()
export class Bootstrap {
  constructor(
    private readonly streams: Streams,
    private readonly apiKeys: ApiKeys,
    private readonly users: UserQueries,
  ) {}

  /**
   * @returns the administrator's API key
   * @throws DomainError `bootstrap.users_exist`
   */
  async run(context: CommandContext): Promise<Secret> {
    if (await this.users.hasFirstAdministrator()) throw usersExist()
    const userGuid = createdGuid(context.commandId, 'user')
    const keyGuid = createdGuid(context.commandId, 'api_key')
    // The key first: a key whose owner never comes is good for nothing, an administrator without a key locks everybody out.
    const key = await this.apiKeys.create(
      keyGuid,
      {
        type: 'CreateApiKey',
        now: new Date(),
        userGuid,
        ownRole: 'administrator',
        name: 'bootstrap',
        role: 'administrator',
        expiresAt: null,
        contentGuid: null,
      },
      context,
    )
    if (!key) throw usersExist()
    try {
      const record = (client: SqlClient) => this.#record(client, userGuid)
      await this.streams.handle(userStream, userGuid, { type: 'RegisterFirstAdministrator' }, context, { record })
    } catch (error) {
      if (error instanceof DomainError)
        await this.apiKeys.delete(keyGuid, { ...context, commandId: createdGuid(keyGuid, 'undo') })
      throw error
    }
    return key
  }

  async #record(client: SqlClient, userGuid: string): Promise<void> {
    if (!(await takeFirstAdministrator(client, userGuid))) throw usersExist()
    await takeUsername(client, userGuid, USERNAME)
    await writeProfile(client, userGuid, 1, {
      username: USERNAME,
      firstName: '',
      lastName: '',
      email: '',
      externalId: '',
    })
  }
}

const usersExist = (): DomainError =>
  new DomainError('forbidden', 'bootstrap.users_exist', 'There are users already; log in instead.')
