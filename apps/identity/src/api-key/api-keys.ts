import { Injectable } from '@nestjs/common'
import type { Secret } from '#libs/contracts'
import { sql, Streams, type CommandContext } from '#libs/event-sourcing'
import type { ApiKeyCommand } from './api-key.decider.js'
import { apiKeyStream } from './api-key.stream.js'
import { hashOfKey, hintOf, newKeyText } from './key-text.js'

/** Makes and deletes API keys; what they are checked with is written and destroyed with the events. */
@Injectable()
export class ApiKeys {
  constructor(private readonly streams: Streams) {}

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
      },
    })
  }
}
