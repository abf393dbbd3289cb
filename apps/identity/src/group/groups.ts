import { Injectable } from '@nestjs/common'
import { DomainError, type Role } from '#libs/contracts'
import { sql, Streams, type CommandContext, type SqlClient } from '#libs/event-sourcing'
import { createdGuid, OAuth2Settings } from '#libs/service'
import { canOwn, type GroupEditor } from './group-rules.js'
import type { GroupChanges } from './group.decider.js'
import { giveUpName, giveUpUniqueId, takeName, takeUniqueId } from './group.names.js'
import { groupStream } from './group.stream.js'

/** What people and operators do with groups; logins have `GroupProvisioning`. */
@Injectable()
export class Groups {
  constructor(
    private readonly streams: Streams,
    private readonly oauth2: OAuth2Settings,
  ) {}

  /**
   * @returns its guid
   * @throws DomainError `group.name_invalid`, `group.name_taken`, `group.unique_id_blank`, `group.unique_id_taken`,
   *   `user.not_found`, `group.owner_cannot_publish`
   */
  async create(
    { name, ownerGuid, uniqueId }: { readonly name: string; readonly ownerGuid: string; readonly uniqueId?: string },
    context: CommandContext,
  ): Promise<string> {
    const guid = createdGuid(context.commandId, 'group')
    const command = { type: 'CreateGroup', name, ownerGuid, uniqueId: uniqueId ?? null } as const
    await this.streams.handle(groupStream, guid, command, context, {
      record: async (client) => {
        await mustBeAbleToOwn(client, ownerGuid)
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
    const autoProvisioned = this.oauth2.groupsAutoProvision
    const command = { type: 'ChangeGroup', editor, changes, autoProvisioned } as const
    await this.streams.handle(groupStream, guid, command, context, {
      record: async (client) => {
        if (typeof ownerGuid === 'string') await mustBeAbleToOwn(client, ownerGuid)
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
}

/**
 * Asked inside the append that makes somebody the owner, and behind a lock: whoever deletes them at the same moment finds
 * the group, or is found to have been faster.
 * @throws DomainError `user.not_found`, `group.owner_cannot_publish`
 */
async function mustBeAbleToOwn(client: SqlClient, userGuid: string): Promise<void> {
  const { rows } = await client.query<{ role: Role }>(sql`
    select role from person where guid = ${userGuid} for key share`)
  if (!rows[0]) throw new DomainError('not_found', 'user.not_found', 'This user does not exist.')
  if (canOwn(rows[0].role)) return
  throw new DomainError('forbidden', 'group.owner_cannot_publish', 'The owner of a group must be able to publish.')
}
