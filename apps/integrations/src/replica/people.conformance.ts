import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { INestApplication } from '@nestjs/common'
import { groupContract, userContract, type ChangeMessage, type GroupState, type UserState } from '#libs/contracts'
import { Freshness, Replicas } from '#libs/messaging'

/** Identity as this service sees it: what it tells by messages, and what it says when it is asked. For specs. */
export class FakeIdentity {
  /** What was asked, in order: guids. */
  readonly asked: string[] = []
  isDown = false
  readonly #owned = new Map<string, ChangeMessage>()
  readonly #server: Server
  #app: INestApplication | undefined
  #version = 0

  constructor() {
    this.#server = createServer((request, response) => {
      const guid = request.url!.split('/').at(-1)!
      this.asked.push(guid)
      const message = this.#owned.get(guid)
      const status = this.isDown ? 500 : message ? 200 : 404
      const headers = {
        'content-type': 'application/json',
        ...(status === 404 && { 'keybearer-error': 'object.not_found' }),
      }
      response.writeHead(status, headers).end(JSON.stringify(status === 200 ? message : { code: 4, error: 'none' }))
    })
  }

  /** @returns its address, for `deployment.urls.identity` */
  async start(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  /** From now on the copies of this process are believed: as if a heartbeat had just come. */
  refresh(app: INestApplication): void {
    this.#app = app
    const freshness = app.get(Freshness)
    const now = new Date().toISOString()
    freshness.completed('identity')
    freshness.heard('identity', 1, { sent_at: now, complete_until: now }, performance.now())
  }

  /** @param options `told: false` for somebody of whom no message has come yet */
  async user(changes: Partial<UserState> = {}, options: { told?: boolean } = {}): Promise<UserState> {
    const guid = changes.guid ?? randomUUID()
    const state: UserState = {
      guid,
      username: `user-${guid.slice(0, 8)}`,
      first_name: 'Vera',
      last_name: 'Lindqvist',
      email: 'vera@example.org',
      user_role: 'viewer',
      locked: false,
      group_guids: [],
      sessions: [],
      ...changes,
    }
    await this.#tell('user', guid, state, options)
    return state
  }

  async group(options: { told?: boolean } = {}): Promise<GroupState> {
    const state = { guid: randomUUID(), name: 'analysts' }
    await this.#tell('group', state.guid, state, options)
    return state
  }

  delete(category: 'user' | 'group', guid: string): Promise<void> {
    return this.#tell(category, guid, null, {})
  }

  async #tell(category: 'user' | 'group', guid: string, state: object | null, { told = true }): Promise<void> {
    const contract = category === 'user' ? userContract : groupContract
    const { type, revision } = contract
    const message = { type, schema_version: 1, revision, version: ++this.#version, cause: [], state } as const
    this.#owned.set(guid, message)
    if (told) await this.#app!.get(Replicas).of<object>(contract).handle(message, `identity.${category}.${guid}`)
  }
}
