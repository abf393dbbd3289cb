import { Injectable } from '@nestjs/common'
import { Streams, type CommandContext } from '#libs/event-sourcing'
import { createdGuid, OAuth2Settings } from '#libs/service'
import { isGroupText } from './group-rules.js'
import { takeNames } from './group.names.js'
import { GroupQueries } from './group.queries.js'
import { groupStream } from './group.stream.js'

/** A group may be deleted, and its name taken by another login, between two looks; more often than so is a fault. */
const MOST_ATTEMPTS = 3

/** Turns what a provider says of somebody's groups into groups. */
@Injectable()
export class GroupProvisioning {
  constructor(
    private readonly streams: Streams,
    private readonly groups: GroupQueries,
    private readonly oauth2: OAuth2Settings,
  ) {}

  /**
   * The groups that a claim means: by unique id, or by name, where case counts. Those that there are not are left out,
   * or made at once when logins make groups.
   * @param values as the claim has them
   * @returns guids
   */
  async guidsOf(values: readonly string[], context: CommandContext): Promise<string[]> {
    const { groupsByUniqueId, groupsAutoProvision } = this.oauth2
    const asked = [...new Set(values)].filter(isGroupText)
    if (groupsByUniqueId) return this.groups.byUniqueId(asked)

    let known = await this.groups.byName(asked)
    let missing = asked.filter((name) => !known.has(name))
    for (let attempt = 1; groupsAutoProvision && missing.length > 0 && attempt <= MOST_ATTEMPTS; attempt++) {
      await this.#make(missing, context)
      known = await this.groups.byName(asked)
      missing = asked.filter((name) => !known.has(name))
    }
    return [...known.values()]
  }

  /** Makes all of them, or all but those that another login has just made. */
  async #make(names: readonly string[], context: CommandContext): Promise<void> {
    const groups = names.map((name) => ({ name, guid: createdGuid(context.commandId, name) }))
    const commands = new Map(
      groups.map(({ name, guid }) => [guid, { type: 'CreateGroup', name, ownerGuid: null, uniqueId: null } as const]),
    )
    try {
      await this.streams.begin(groupStream, commands, context, {
        record: async (client) => {
          const others = await takeNames(client, groups)
          if (others.length > 0) throw new NamesTaken(others)
        },
      })
    } catch (error) {
      if (!(error instanceof NamesTaken)) throw error
      const rest = names.filter((name) => !error.names.includes(name))
      if (rest.length > 0) await this.#make(rest, context)
    }
  }
}

class NamesTaken extends Error {
  constructor(readonly names: readonly string[]) {
    super('others have taken names of groups')
  }
}
