import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { Streams } from '#libs/event-sourcing'
import type { CommandContext } from '#libs/service'
import { ContentQueries } from '../content/content.queries.js'
import { contentStream } from '../content/content.stream.js'
import { Todo } from '../todo/todo.js'
import { integrationStream } from './integration.stream.js'

const DELETED = 'integration_deleted'

/** Ends integrations, and what hangs on them in the streams of content. */
@Injectable()
export class IntegrationDeletions {
  constructor(
    private readonly streams: Streams,
    private readonly contents: ContentQueries,
    private readonly todo: Todo,
  ) {
    todo.on(DELETED, (guid) =>
      this.#follow(guid, { actor: { type: 'service', name: 'integrations' }, commandId: randomUUID() }),
    )
  }

  /** Other streams follow by commands of their own: at once, and for certain even if this process ends in between. */
  async delete(guid: string, context: CommandContext): Promise<void> {
    await this.streams.handle(integrationStream, guid, { type: 'DeleteIntegration' }, context, {
      record: (client) => this.todo.add(client, DELETED, [guid]),
    })
    await this.#follow(guid, context)
  }

  async #follow(guid: string, context: Omit<CommandContext, 'correlationId'>): Promise<void> {
    for (const { contentGuid } of await this.contents.associationsWith(guid)) {
      await this.streams.handle(contentStream, contentGuid, { type: 'DropIntegration', integrationGuid: guid }, context)
    }
  }
}
