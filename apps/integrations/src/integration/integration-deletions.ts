import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { Streams } from '#libs/event-sourcing'
import type { CommandContext } from '#libs/service'
import { ContentQueries } from '../content/content.queries.js'
import { contentStream } from '../content/content.stream.js'
import { Todo } from '../todo/todo.js'
import { integrationStream } from './integration.stream.js'

const DELETED = 'integration_deleted'
/** As many content items as a request waits for. */
const AT_ONCE = 100

/** Ends integrations, and what hangs on them in the streams of content. */
@Injectable()
export class IntegrationDeletions {
  constructor(
    private readonly streams: Streams,
    private readonly contents: ContentQueries,
    private readonly todo: Todo,
  ) {
    todo.on(
      DELETED,
      (guid) => this.#follow(guid, { actor: { type: 'service', name: 'integrations' }, commandId: randomUUID() }),
      // One that was associated while its integration was being deleted, by a process that ended in between.
      async () => (await this.contents.integrationsGone()).map((key) => ({ kind: DELETED, key })),
    )
  }

  /**
   * Other streams follow by commands of their own: the first of them at once, so that who deletes sees it, and all for
   * certain even if this process ends in between.
   */
  async delete(guid: string, context: CommandContext): Promise<void> {
    await this.streams.handle(integrationStream, guid, { type: 'DeleteIntegration' }, context, {
      record: (client) => this.todo.add(client, DELETED, [guid]),
    })
    await this.#follow(guid, context, AT_ONCE)
  }

  async #follow(guid: string, context: Omit<CommandContext, 'correlationId'>, most?: number): Promise<void> {
    for (const { contentGuid } of (await this.contents.associationsWith(guid)).slice(0, most)) {
      await this.streams.handle(contentStream, contentGuid, { type: 'DropIntegration', integrationGuid: guid }, context)
    }
  }
}
