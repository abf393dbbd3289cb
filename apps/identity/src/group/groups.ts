import { Injectable } from '@nestjs/common'
import { DomainError } from '#libs/contracts'
import { Streams, type CommandContext } from '#libs/event-sourcing'
import { createdGuid, OAuth2Settings } from '#libs/service'
import { UserQueries } from '../user/user.queries.js'
import { canOwn, type GroupEditor } from './group-rules.js'
import type { GroupChanges } from './group.decider.js'
import { giveUpName, giveUpUniqueId, takeName, takeUniqueId } from './group.names.js'
import { groupStream } from './group.stream.js'

/** What people and operators do with groups; logins have `GroupProvisioning`. */
@Injectable()
export class Groups {
  constructor(
    private readonly streams: Streams,
    private readonly users: UserQueries,
    private readonly oauth2: OAuth2Settings,
  ) {}

  /**
   * @returns its guid
   * @throws DomainError `group.name_invalid`, `group.name_taken`, `group.unique_id_blank`, `group.unique_id_taken`
   */
  async create(
    { name, ownerGuid, uniqueId }: { readonly name: string; readonly ownerGuid: string; readonly uniqueId?: string },
    context: CommandContext,
  ): Promise<string> {
    const guid = createdGuid(context.commandId, 'group')
    const command = { type: 'CreateGroup', name, ownerGuid, uniqueId: uniqueId ?? null } as const
    await this.streams.handle(groupStream, guid, command, context, {
      record: async (client) => {
        if (!this.oauth2.groupsByUniqueId) await takeName(client, guid, name)
        if (uniqueId !== undefined) await takeUniqueId(client, guid, uniqueId)
      },
    })
    return guid
  }

  /**
   * Only an operator may change the unique id, and set or clear the owner in every mode.
   * @throws DomainError `group.not_found`, `permission.denied`, `group.owner_not_settable`, `user.not_found`,
   *   `group.owner_cannot_publish`, and what `create` throws
   */
  async change(guid: string, changes: GroupChanges, editor: GroupEditor, context: CommandContext): Promise<void> {
    const { name, ownerGuid, uniqueId } = changes
    if (typeof ownerGuid === 'string') await this.#checkOwner(ownerGuid)
    const autoProvisioned = this.oauth2.groupsAutoProvision
    const command = { type: 'ChangeGroup', editor, changes, autoProvisioned } as const
    await this.streams.handle(groupStream, guid, command, context, {
      record: async (client) => {
        if (name !== undefined) {
          // A name that may occur twice is nobody's own.
          await (this.oauth2.groupsByUniqueId ? giveUpName(client, guid) : takeName(client, guid, name))
        }
        if (typeof uniqueId === 'string') await takeUniqueId(client, guid, uniqueId)
        if (uniqueId === null) await giveUpUniqueId(client, guid)
      },
    })
  }

  /**
   * One event, however many members there are: what they had by the group counts no more.
   * @throws DomainError `group.not_found`, `permission.denied`
   */
  async delete(guid: string, editor: GroupEditor, context: CommandContext): Promise<void> {
    await this.streams.handle(groupStream, guid, { type: 'DeleteGroup', editor }, context, {
      record: async (client) => {
        await giveUpName(client, guid)
        await giveUpUniqueId(client, guid)
      },
    })
  }

  async #checkOwner(guid: string): Promise<void> {
    if (canOwn((await this.users.get(guid)).role)) return
    throw new DomainError('forbidden', 'group.owner_cannot_publish', 'The owner of a group must be able to publish.')
  }
}
