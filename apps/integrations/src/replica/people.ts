import { Injectable } from '@nestjs/common'
import { Pool } from 'pg'
import { groupContract, userContract, type GroupState, type UserState } from '#libs/contracts'
import { sql } from '#libs/event-sourcing'
import { Replicas } from '#libs/messaging'
import { AuthorizationSettings } from '#libs/service'

/** What is shown of somebody beside what they own. */
export type ShownPerson = Pick<UserState, 'guid' | 'username' | 'first_name' | 'last_name'>

/** People and groups, of whom this service has copies. */
@Injectable()
export class People {
  constructor(
    private readonly replicas: Replicas,
    private readonly pool: Pool,
    private readonly authorization: AuthorizationSettings,
  ) {}

  /**
   * Somebody as they are now; one who is missing here is asked for at identity.
   * @throws DomainError `replica.stale` (unavailable)
   */
  user(guid: string): Promise<UserState | undefined> {
    return this.replicas.of(userContract).find(guid)
  }

  /** As identity has them now: before a *no* that may rest on an old copy. @throws as `user` */
  confirmUser(guid: string): Promise<UserState | undefined> {
    return this.replicas.of(userContract).confirm(guid)
  }

  /** A group that exists; one that is missing here is asked for at identity. None when groups are off. @throws as `user` */
  async group(guid: string): Promise<GroupState | undefined> {
    if (!this.authorization.userGroups) return undefined
    return await this.replicas.of(groupContract).find(guid)
  }

  /**
   * The groups that somebody is in and that still exist; none when groups are off.
   * @param among only these are looked at, since each whose copy is old has to be asked for
   * @throws as `user`
   */
  async groupsOf(userGuid: string, among: readonly string[]): Promise<string[]> {
    if (among.length === 0 || !this.authorization.userGroups) return []
    const memberOf = new Set((await this.user(userGuid))?.group_guids)
    const asked = among.filter((guid) => memberOf.has(guid))
    if (asked.length === 0) return []
    const groups = this.replicas.of(groupContract)
    const { rows } = await this.pool.query<{ guid: string; lives: boolean }>(sql`
      select guid, state is not null as lives from replica where kind = 'group' and guid = any(${asked}::uuid[])`)
    const held = new Map(rows.map(({ guid, lives }) => [guid, lives]))
    const living = await Promise.all(
      asked.map(async (guid) => {
        const lives = groups.isTrusted(guid) ? held.get(guid) : undefined
        return (lives ?? (await groups.find(guid)) !== undefined) ? guid : undefined
      }),
    )
    return living.filter((guid) => guid !== undefined)
  }

  /** Names as far as they are known here: for showing, and for nothing that hangs on them. */
  async names(guids: readonly string[]): Promise<Map<string, ShownPerson>> {
    const { rows } = await this.pool.query<ShownPerson>(sql`
      select guid, state ->> 'username' as username, state ->> 'first_name' as first_name,
        state ->> 'last_name' as last_name
      from replica where kind = 'user' and guid = any(${[...new Set(guids)]}::uuid[]) and state is not null`)
    return new Map(rows.map((person) => [person.guid, person]))
  }
}
