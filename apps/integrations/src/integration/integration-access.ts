import { Injectable } from '@nestjs/common'
import { DomainError, isAtLeast, type Person } from '#libs/contracts'
import { associatedUnknown, type Candidate } from '../content/association.rules.js'
import { People } from '../replica/people.js'
import type { AccessEntry } from './access-entry.js'
import { integrationNotFound } from './integration.refusals.js'
import { IntegrationQueries, type ListedIntegration } from './integration.queries.js'

/** Who may use which integration: everybody who publishes, or those on its list; administrators always. */
@Injectable()
export class IntegrationAccess {
  constructor(
    private readonly integrations: IntegrationQueries,
    private readonly people: People,
  ) {}

  /**
   * Those of the integrations that somebody may use.
   * @throws DomainError `replica.stale` (unavailable) when their groups matter and are not known for sure
   */
  async usable<Listed extends { readonly permissions: readonly AccessEntry[] }>(
    integrations: readonly Listed[],
    person: Person,
  ): Promise<Listed[]> {
    if (isAtLeast(person.role, 'administrator')) return [...integrations]
    const isNamed = ({ permissions }: Listed): boolean => permissions.some(({ userGuid }) => userGuid === person.guid)
    const asked = integrations.filter((each) => each.permissions.length > 0 && !isNamed(each))
    const groups = new Set(asked.flatMap(({ permissions }) => permissions.flatMap(({ groupGuid }) => groupGuid ?? [])))
    const memberOf = new Set(await this.people.groupsOf(person.guid, [...groups]))
    return integrations.filter(
      (each) =>
        each.permissions.length === 0 ||
        isNamed(each) ||
        each.permissions.some(({ groupGuid }) => groupGuid !== null && memberOf.has(groupGuid)),
    )
  }

  /**
   * An integration that somebody may know of; what they may not use does not exist for them.
   * @throws DomainError `integration.not_found`
   */
  async get(guid: string, person: Person): Promise<ListedIntegration> {
    const [integration] = await this.#usableNow([await this.integrations.get(guid)], person)
    if (!integration) throw integrationNotFound()
    return integration
  }

  /**
   * What the rules of associations ask about each integration, in the order given.
   * @throws DomainError `association.integration_unknown`
   */
  async candidates(guids: readonly string[], person: Person): Promise<Candidate[]> {
    const found = await this.integrations.byGuid(guids)
    const usable = new Set(await this.#usableNow([...found.values()], person))
    return guids.map((guid) => {
      const integration = found.get(guid)
      if (!integration) throw associatedUnknown()
      return { guid, authType: integration.authType, usable: usable.has(integration) }
    })
  }

  /**
   * Whether everybody on a list exists.
   * @throws DomainError `integration.access_user_invalid`, `integration.access_group_invalid`
   */
  async mustExist(entries: readonly AccessEntry[]): Promise<void> {
    for (const { userGuid, groupGuid } of entries) {
      if (userGuid !== null && !(await this.people.user(userGuid))) {
        throw new DomainError('invalid', 'integration.access_user_invalid', 'A user_guid names no user.')
      }
      if (groupGuid !== null && !(await this.people.group(groupGuid))) {
        throw new DomainError('invalid', 'integration.access_group_invalid', 'A group_guid names no group.')
      }
    }
  }

  /** Before a *no* that rests on somebody's groups, identity is asked for them: they may have joined a moment ago. */
  async #usableNow(integrations: readonly ListedIntegration[], person: Person): Promise<ListedIntegration[]> {
    const usable = await this.usable(integrations, person)
    const refused = integrations.filter((each) => !usable.includes(each))
    if (!refused.some(({ permissions }) => permissions.some(({ groupGuid }) => groupGuid !== null))) return usable
    await this.people.confirmUser(person.guid)
    return this.usable(integrations, person)
  }
}
