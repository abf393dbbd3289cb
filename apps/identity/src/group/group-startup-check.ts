import { Injectable } from '@nestjs/common'
import { AuthorizationSettings, OAuth2Settings } from '#libs/service'
import type { StartupCheck } from '../startup-checks.js'
import { GroupQueries, type GroupRow } from './group.queries.js'

const TOOL = 'usermanager alter --groups'

/** Whether each group has the owner and the unique id that the way of provisioning wants: one sentence a group. */
@Injectable()
export class GroupStartupCheck implements StartupCheck {
  constructor(
    private readonly groups: GroupQueries,
    private readonly oauth2: OAuth2Settings,
    private readonly authorization: AuthorizationSettings,
  ) {}

  async warnings(): Promise<string[]> {
    if (!this.authorization.userGroups) return []
    const { groupsAutoProvision, groupsByUniqueId } = this.oauth2
    const orphans = await this.groups.ofTheDead()
    const unfit: string[] = []
    for (const group of await this.groups.all()) {
      const reasons = reasonsOf(group, groupsAutoProvision, groupsByUniqueId, orphans.has(group.guid))
      if (reasons.length > 0) unfit.push(`The group ${JSON.stringify(group.name)} ${reasons.join(' It ')}`)
    }
    return unfit
  }
}

function reasonsOf(
  { guid, ownerGuid, uniqueId }: GroupRow,
  autoProvision: boolean,
  byUniqueId: boolean,
  orphan: boolean,
): string[] {
  const alter = `${TOOL} --group-guid ${guid}`
  return [
    ...(byUniqueId && uniqueId === null
      ? [
          `has no unique ID, and OAuth2.GroupsByUniqueId is on: no login matches it. ` +
            `\`${TOOL} --normalize-ids\` gives every such group its name as unique ID.`,
        ]
      : []),
    ...(autoProvision && ownerGuid !== null
      ? [
          `has an owner, and OAuth2.GroupsAutoProvision is on: if the login provider manages it, drop the owner with ` +
            `\`${alter} --drop-owner\`.`,
        ]
      : []),
    ...(!autoProvision && orphan
      ? [`has an owner who was deleted: give it another one with \`${alter} --new-owner USERNAME\`.`]
      : []),
    ...(!autoProvision && ownerGuid === null
      ? [
          `has no owner, and OAuth2.GroupsAutoProvision is off: to manage it here, give it one with ` +
            `\`${alter} --new-owner USERNAME\`.`,
        ]
      : []),
  ]
}
