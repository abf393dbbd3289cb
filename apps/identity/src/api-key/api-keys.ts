import { Injectable } from '@nestjs/common'
import type { Secret } from '#libs/contracts'
import { sql, Streams, type CommandContext } from '#libs/event-sourcing'
import { createdGuid } from '#libs/service'
import type { ApiKeyCommand } from './api-key.decider.js'
import { ApiKeyQueries } from './api-key.queries.js'
import { apiKeyStream } from './api-key.stream.js'
import { hashOfKey, hintOf, newKeyText } from './key-text.js'

const PAGE = 1_000

/** Makes and deletes API keys; what they are checked with is written and destroyed with the events. */
@Injectable()
export class ApiKeys {
  constructor(
    private readonly streams: Streams,
    private readonly queries: ApiKeyQueries,
  ) {}

  /** @returns the key's text, which nobody can get again; `undefined` when this command had been carried out before */
  async create(
    guid: string,
    command: Extract<ApiKeyCommand, { type: 'CreateApiKey' }>,
    context: CommandContext,
  ): Promise<Secret | undefined> {
    const text = newKeyText(guid)
    const { events, repeated } = await this.streams.handle(apiKeyStream, guid, command, context, {
      record: async (client) => {
        await client.query(sql`
          insert into api_key_hash (guid, hash, hint) values (${guid}, ${hashOfKey(text.reveal())}, ${hintOf(text)})`)
      },
    })
    return repeated || events.length === 0 ? undefined : text
  }

  async delete(guid: string, context: CommandContext): Promise<void> {
    await this.streams.handle(apiKeyStream, guid, { type: 'DeleteApiKey' }, context, {
      record: async (client) => {
        await client.query(sql`delete from api_key_hash where guid = ${guid}`)
        await client.query(sql`delete from api_key_use where guid = ${guid}`)
      },
    })
  }

  /** Deletes all keys of somebody, who may be gone by now. */
  async deleteOf(userGuid: string, context: CommandContext): Promise<void> {
    for (const { guid } of await this.queries.list(userGuid)) await this.#deleteFor(guid, context)
  }

  /** Deletes keys whose time is over, and those whose owner is gone. @returns how many */
  async deleteDead(context: CommandContext): Promise<number> {
    for (let deleted = 0; ;) {
      const dead = await this.queries.dead(PAGE)
      for (const guid of dead) await this.#deleteFor(guid, context)
      deleted += dead.length
      if (dead.length < PAGE) return deleted
    }
  }

  #deleteFor(guid: string, context: CommandContext): Promise<void> {
    return this.delete(guid, { ...context, commandId: createdGuid(context.commandId, guid) })
  }
}
