import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
import type { Actor } from '#libs/contracts'
import { freshDatabase, type FreshDatabase } from '#libs/testing'
import { identityUnderTest, keyOf, type IdentityUnderTest } from '../identity-under-test.conformance.js'
import { nameless, type PersonActor } from '../user/people.conformance.js'
import { LogIn } from '../login/log-in.js'

export const GROUPS = '/__api__/v1/groups'
const ISSUER = 'http://127.0.0.1:9'
const CLIENT = 'ClientId = keybearer\nClientSecret = secret'

interface Page<Item> {
  readonly results: readonly Item[]
  readonly total: number
}

/** Identity on a database of the spec's own, with people who log in without a browser. */
export class GroupsUnderTest {
  readonly alice = keyOf(randomUUID(), 'administrator') as PersonActor

  private constructor(
    readonly service: IdentityUnderTest,
    readonly pool: Pool,
    readonly close: () => Promise<void>,
  ) {}

  /**
   * @param oauth2 lines of that section
   * @param options.sections further sections; `database`: of an earlier start, which is kept then
   */
  static async open(
    oauth2: string,
    { sections = '', google = false, database }: { sections?: string; google?: boolean; database?: FreshDatabase } = {},
  ): Promise<GroupsUnderTest> {
    const own = database ?? (await freshDatabase('identity'))
    const issuer = google ? '' : `OpenIDConnectIssuer = ${ISSUER}`
    const service = await identityUnderTest(own, [CLIENT, issuer, oauth2].join('\n'), { sections })
    const house = new GroupsUnderTest(service, own.pool(), async () => {
      await service.close()
      if (!database) await own.drop()
    })
    await nameless(house.pool, house.alice.user)
    return house
  }

  /** @param groups the claim; absent when it is `undefined`. @returns the person's guid */
  async login(sub: string, groups?: unknown): Promise<string> {
    const claims = {
      sub,
      preferred_username: `name-${sub}`,
      email: `${sub}@example.org`,
      email_verified: true,
      ...(groups !== undefined && { groups }),
    }
    return (await this.service.app.get(LogIn).run({ issuer: ISSUER, claims })).userGuid
  }

  /** Somebody new who can publish. */
  async publisher(sub: string): Promise<string> {
    const guid = await this.login(sub)
    const path = `/__api__/v1/users/${guid}`
    const answer = await this.service.request({
      method: 'PUT',
      path,
      actor: this.alice,
      body: { user_role: 'publisher' },
    })
    if (answer.status !== 200) throw new Error(answer.text)
    return guid
  }

  /** Makes a group as an administrator; its guid. */
  async make(name: string, uniqueId?: string): Promise<string> {
    const answer = await this.service.post(GROUPS, this.alice, { name, unique_id: uniqueId })
    if (answer.status !== 200) throw new Error(answer.text)
    return answer.json<{ guid: string }>().guid
  }

  /** Names of a person's groups, of those that live, sorted. */
  async groupsOf(user: string): Promise<string[]> {
    const { rows } = await this.pool.query<{ name: string }>(
      'select name from membership join user_group on guid = group_guid where user_guid = $1 order by name',
      [user],
    )
    return rows.map(({ name }) => name)
  }

  /** All groups: name to guid, of the newest. */
  async all(): Promise<Map<string, string>> {
    const { rows } = await this.pool.query<{ name: string; guid: string }>(
      'select name, guid from user_group order by position',
    )
    return new Map(rows.map(({ name, guid }) => [name, guid]))
  }

  async page<Item = { guid: string; name: string; owner_guid: string | null }>(
    path = '',
    actor: Actor = this.alice,
  ): Promise<Page<Item>> {
    return (await this.service.get(GROUPS + path, actor)).json<Page<Item> & Record<string, unknown>>()
  }

  add(group: string, user: string, actor: Actor = this.alice, headers = {}) {
    return this.service.post(`${GROUPS}/${group}/members`, actor, { user_guid: user }, headers)
  }

  patch(group: string, body: unknown, actor: Actor = this.alice) {
    return this.service.request({ method: 'PATCH', path: `${GROUPS}/${group}`, actor, body })
  }

  remove(path: string, actor: Actor = this.alice, headers = {}) {
    return this.service.request({ method: 'DELETE', path: GROUPS + path, actor, headers })
  }
}
