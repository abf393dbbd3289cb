import { Injectable } from '@nestjs/common'
import { DataSource } from 'typeorm'
import { DomainError } from '#libs/contracts'
import { poolOf, transaction, type CommandContext } from '#libs/event-sourcing'
import { OAuth2Settings } from '#libs/service'
import { takeFreeNames } from './group.names.js'
import { GroupQueries, type GroupRow } from './group.queries.js'
import { Groups } from './groups.js'

export interface NormalizedGroups {
  /** How groups are matched at present. */
  readonly byUniqueId: boolean
  /** Groups that were given their name as unique id, or lost theirs; on a dry run those that would. Oldest first. */
  readonly changed: readonly GroupRow[]
  /**
   * By unique id: groups with their own name as unique id, or with none because another group has it; the provider may
   * call them something else. By name: groups whose name an older group has, which is the one that is matched.
   */
  readonly attention: readonly GroupRow[]
}

/** Makes the groups that there are work after `OAuth2.GroupsByUniqueId` was turned on or off. */
@Injectable()
export class NormalizeGroups {
  constructor(
    private readonly dataSource: DataSource,
    private readonly groups: Groups,
    private readonly queries: GroupQueries,
    private readonly oauth2: OAuth2Settings,
  ) {}

  /** Done once it changes nothing; interrupted, it goes on where it stopped. */
  async run(context: CommandContext, { dryRun }: { readonly dryRun: boolean }): Promise<NormalizedGroups> {
    return this.oauth2.groupsByUniqueId ? this.#toUniqueIds(context, dryRun) : this.#toNames(context, dryRun)
  }

  async #toUniqueIds(context: CommandContext, dryRun: boolean): Promise<NormalizedGroups> {
    const before = await this.queries.all()
    const uniqueIds = new Set(before.map(({ uniqueId }) => uniqueId))
    const changed: GroupRow[] = []
    const attention = before.filter(({ name, uniqueId }) => uniqueId === name)
    for (const group of before.filter(({ uniqueId }) => uniqueId === null)) {
      const { name } = group
      const free = !uniqueIds.has(name) && (dryRun || (await this.#giveUniqueId(group, context)))
      uniqueIds.add(name)
      if (free) changed.push({ ...group, uniqueId: name })
      attention.push(free ? { ...group, uniqueId: name } : group)
    }
    return { byUniqueId: true, changed, attention }
  }

  /** @returns false when another group has been given it meanwhile */
  async #giveUniqueId({ guid, name }: GroupRow, context: CommandContext): Promise<boolean> {
    try {
      await this.groups.change(guid, { uniqueId: name }, 'operator', context)
      return true
    } catch (error) {
      if (error instanceof DomainError && error.code === 'group.unique_id_taken') return false
      throw error
    }
  }

  async #toNames(context: CommandContext, dryRun: boolean): Promise<NormalizedGroups> {
    const before = await this.queries.all()
    const changed = before.filter(({ uniqueId }) => uniqueId !== null).map((group) => ({ ...group, uniqueId: null }))
    if (!dryRun) {
      for (const { guid } of changed) await this.groups.change(guid, { uniqueId: null }, 'operator', context)
      await transaction(poolOf(this.dataSource), takeFreeNames)
    }
    const names = new Set<string>()
    const attention = before.filter(({ name }) => names.size === names.add(name).size)
    return { byUniqueId: false, changed, attention: attention.map((group) => ({ ...group, uniqueId: null })) }
  }
}
