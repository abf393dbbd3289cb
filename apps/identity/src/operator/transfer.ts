import { Injectable } from '@nestjs/common'
import { DomainError, isAtLeast, type Named, type Transferred } from '#libs/contracts'
import { Streams, type CommandContext } from '#libs/event-sourcing'
import { createdGuid, type CommandContext as RequestedCommand } from '#libs/service'
import { GroupQueries } from '../group/group.queries.js'
import { Groups } from '../group/groups.js'
import { UserQueries } from '../user/user.queries.js'
import { userStream } from '../user/user.stream.js'
import { ContentOwners } from './content-owners.js'
import { OperatorQueries } from './operator.queries.js'

/**
 * Gives what one person has to another: content and access to content, groups, memberships. API keys and consents stay: whoever holds one
 * acts as its person.
 */
@Injectable()
export class Transfer {
  constructor(
    private readonly streams: Streams,
    private readonly users: UserQueries,
    private readonly groups: GroupQueries,
    private readonly groupCommands: Groups,
    private readonly queries: OperatorQueries,
    private readonly owners: ContentOwners,
  ) {}

  /**
   * Each step finds what is left to give: interrupted, it is simply repeated.
   * @throws DomainError `user.not_found`, `content.owner_cannot_publish`, `content.name_taken`, `service.unavailable`
   */
  async run(source: string, target: string, context: RequestedCommand): Promise<Transferred> {
    if (source === target) {
      throw new DomainError('invalid', 'request.parameter_invalid', 'Source and target are the same user.')
    }
    const [, receiver] = [await this.users.get(source), await this.users.get(target)]
    const owned = await this.groups.ownedBy(source)
    const gives = owned.length > 0 || (await this.owners.contentOf(source)).length > 0
    if (gives && !isAtLeast(receiver.role, 'publisher')) {
      throw new DomainError(
        'forbidden',
        'content.owner_cannot_publish',
        'A viewer can own neither content nor groups: give the target a higher role first.',
      )
    }
    // Also for somebody who owns nothing: what they may do with other people's content goes with it.
    const content = await this.owners.transfer(source, target, context.actor)
    for (const { guid } of owned) {
      await this.groupCommands.change(guid, { ownerGuid: target }, 'operator', step(context, guid))
    }
    return {
      content,
      groups: owned.map(({ guid, name }) => ({ guid, name })),
      memberships: await this.#memberships(source, target, context),
    }
  }

  async #memberships(source: string, target: string, context: RequestedCommand): Promise<Named[]> {
    const memberships = await this.queries.memberships(source)
    const guids = memberships.map(({ guid }) => guid)
    if (guids.length === 0) return []
    // First the one, then the other: interrupted between, nobody has lost anything.
    const join = { type: 'ChangeMemberships', added: guids, removed: [] } as const
    await this.streams.handle(userStream, target, join, step(context, 'join'))
    const leave = { type: 'ChangeMemberships', added: [], removed: guids } as const
    await this.streams.handle(userStream, source, leave, step(context, 'leave'))
    return memberships
  }
}

/** Each append of one request is a command of its own, and the same one when the request is repeated. */
export const step = (context: RequestedCommand, name: string): CommandContext => ({
  ...context,
  commandId: createdGuid(context.commandId, name),
})
