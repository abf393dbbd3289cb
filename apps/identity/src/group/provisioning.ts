import { Injectable } from '@nestjs/common'
import { DomainError } from '#libs/contracts'
import { reserve, Streams, type CommandContext } from '#libs/event-sourcing'
import { createdGuid } from '#libs/service'
import { GroupQueries } from './group.queries.js'
import { groupStream } from './group.stream.js'

const NAME = 'group_name'

/** Turns the names of groups that a provider tells into groups. */
@Injectable()
export class GroupProvisioning {
  constructor(
    private readonly streams: Streams,
    private readonly groups: GroupQueries,
  ) {}

  /**
   * @param make whether groups that do not exist yet are made; else they are left out
   * @returns guids of the groups with these names
   */
  async guidsOf(names: readonly string[], make: boolean, context: CommandContext): Promise<string[]> {
    const known = await this.groups.byName(names)
    const missing = names.filter((name) => !known.has(name))
    if (!make || missing.length === 0) return [...known.values()]
    for (const name of missing) await this.#make(name, context)
    return [...(await this.groups.byName(names)).values()]
  }

  /** Does nothing when the name is taken: then another login was faster, and its group is the one. */
  async #make(name: string, context: CommandContext): Promise<void> {
    const guid = createdGuid(context.commandId, name)
    const command = { type: 'CreateGroup', name, ownerGuid: null, uniqueId: null } as const
    try {
      await this.streams.handle(groupStream, guid, command, context, {
        record: async (client) => {
          if (!(await reserve(client, NAME, name, guid))) {
            throw new DomainError('conflict', 'group.name_taken', 'There is a group of this name already.')
          }
        },
      })
    } catch (error) {
      if (!(error instanceof DomainError && error.code === 'group.name_taken')) throw error
    }
  }
}
