import { randomUUID } from 'node:crypto'
import { eventually } from '#libs/testing'
import { vendorIntegration } from '../../../demo/src/api.js'
import { VENDOR_CLIENT } from '../../../demo/src/vendor.js'
import { World, type WorldOptions } from '../world.js'
import { Api } from './api.js'
import { OAuthSessions } from './oauth-sessions.js'

/** Who calls: the columns of the role matrix. */
export const COLUMNS = [
  'anonymous',
  'locked',
  'viewer',
  'reader',
  'viewer-key',
  'publisher',
  'collaborator',
  'owner',
  'content-key',
  'administrator',
] as const
export type Column = (typeof COLUMNS)[number]

/** Their parts: the role of the account, and the name at the demo's OpenID provider. */
const PARTS = {
  locked: { username: 'guest-901', role: 'publisher' },
  viewer: { username: 'guest-902', role: 'viewer' },
  reader: { username: 'guest-903', role: 'viewer' },
  publisher: { username: 'guest-904', role: 'publisher' },
  collaborator: { username: 'guest-905', role: 'publisher' },
  owner: { username: 'guest-906', role: 'publisher' },
} as const

/** A world with somebody in every role, and ways to make what they act upon. */
export class Cast {
  /** What `owner` has consented to. */
  readonly sessions: OAuthSessions

  private constructor(
    readonly world: World,
    readonly api: Api,
    /**
     * Their API keys; nobody's for `anonymous`. `viewer-key`: an administrator's, made with the viewer's role;
     * `content-key`: the owner's, bound to `bound`.
     */
    readonly keys: Readonly<Record<Column, string | undefined>>,
    /** Of their accounts; those of `administrator` and `viewer-key` are one, and those of `owner` and `content-key`. */
    readonly guids: Readonly<Record<Exclude<Column, 'anonymous'>, string>>,
    readonly administrator: string,
    /** Content of `owner` and the service account that it has. */
    readonly bound: { readonly content: string; readonly integration: string },
  ) {
    this.sessions = new OAuthSessions(this, world.person(PARTS.owner.username))
  }

  static async start(options?: WorldOptions): Promise<Cast> {
    const world = await World.start(options)
    try {
      const api = new Api(world.address)
      const alice = world.person('alice')
      const { guid: administrator } = await alice.logIn()
      const adminKey = await alice.makeKey('contract')
      const weak = { name: 'as a viewer', user_role: 'viewer' }
      const { key: viewerKey } = await api.must<{ key: string }>(
        adminKey,
        'POST',
        `/v1/users/${administrator}/keys`,
        weak,
      )
      const keys: Record<string, string | undefined> = { administrator: adminKey, 'viewer-key': viewerKey }
      const guids: Record<string, string> = { administrator, 'viewer-key': administrator }
      for (const [part, { username, role }] of Object.entries(PARTS)) {
        const person = world.person(username)
        const { guid } = await person.logIn()
        await api.must(adminKey, 'PUT', `/v1/users/${guid}`, { user_role: role })
        // Whoever has just been given a role is let in as what they were for a moment.
        keys[part] = await eventually(async () => {
          const { key, user_role } = await person.api<{ key: string; user_role: string }>(
            'POST',
            `/v1/users/${guid}/keys`,
            { name: 'contract' },
          )
          return user_role === role && key
        })
        guids[part] = guid
        if (part !== 'owner') await person.close()
      }
      await api.must(adminKey, 'POST', `/v1/users/${guids['locked']}/lock`, { locked: true })

      const { guid: integration } = await api.must<{ guid: string }>(
        adminKey,
        'POST',
        '/v1/oauth/integrations',
        serviceAccount(world),
      )
      const content = await world.makeContent(keys['owner']!, 'bound', world.probe.url, [integration])
      const bound = { name: 'bound', content_guid: content }
      const path = `/v1/users/${guids['owner']}/keys`
      keys['content-key'] = (await api.must<{ key: string }>(keys['owner']!, 'POST', path, bound)).key
      guids['content-key'] = guids['owner']!
      return new Cast(world, api, { anonymous: undefined, ...keys } as Cast['keys'], guids as Cast['guids'], adminKey, {
        content,
        integration,
      })
    } catch (error) {
      await world.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    await this.api.close()
    await this.world.stop()
  }

  /** As the administrator, unless told. */
  must<T>(method: string, path: string, body?: unknown, key = this.administrator): Promise<T> {
    return this.api.must<T>(key, method, path, body)
  }

  /** Content of `owner`, for those who are named: `reader` may look, `collaborator` edit. @returns its guid */
  async content(more: object = {}): Promise<string> {
    const key = this.keys.owner!
    const { guid } = await this.must<{ guid: string }>('POST', '/v1/content', {}, key)
    if (Object.keys(more).length > 0) await this.must('PATCH', `/v1/content/${guid}`, more, key)
    await this.permission(guid, this.guids.reader, 'viewer')
    await this.permission(guid, this.guids.collaborator, 'owner')
    return guid
  }

  /** @returns the entry's id */
  async permission(content: string, user: string, role: 'viewer' | 'owner'): Promise<string> {
    const body = { principal_guid: user, principal_type: 'user', role }
    const path = `/v1/content/${content}/permissions`
    return (await this.must<{ id: string }>('POST', path, body, this.keys.owner!)).id
  }

  /** @returns the guid of a new integration with the demo's vendor */
  integration(): Promise<string> {
    return this.world.makeIntegration(this.administrator)
  }

  /** @returns the guid of a new account that nobody uses */
  async user(more: object = {}): Promise<string> {
    return (await this.must<{ guid: string }>('POST', '/v1/users', newUser(more))).guid
  }

  /** @returns the guid of a new group of the administrator's */
  async group(): Promise<string> {
    return (await this.must<{ guid: string }>('POST', '/v1/groups', { name: fresh('group') })).guid
  }
}

/** The demo's vendor, for content that has an identity of its own. */
function serviceAccount({ vendorUrl, secrets }: World): object {
  const form = vendorIntegration('Acme robot', vendorUrl, { id: VENDOR_CLIENT, secret: secrets.vendorClientSecret })
  return { ...form, config: { ...form.config, auth_type: 'Service Account' } }
}

/** A name that nothing has yet. */
export const fresh = (beginning: string): string => `${beginning}-${randomUUID().slice(0, 13)}`

export function newUser(more: object = {}): object {
  const username = fresh('u')
  return { username, email: `${username}@example.org`, external_id: username, ...more }
}
