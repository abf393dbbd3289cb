import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { groupContract, userContract } from '#libs/contracts'
import type { PoolClient } from 'pg'
import { Streams } from '#libs/event-sourcing'
import { Replicas, type Applied } from '#libs/messaging'
import { Todo } from '../todo/todo.js'
import { contentStream } from './content.stream.js'
import { PermissionQueries } from './permission.queries.js'

const KIND = 'principal_gone'

/**
 * A person or group is deleted: their permissions go too. What they gave has ended before, since a group counts only
 * while it lives, and nobody who is deleted can log in.
 */
@Injectable()
export class PrincipalsGone {
  constructor(
    private readonly streams: Streams,
    private readonly permissions: PermissionQueries,
    todo: Todo,
    replicas: Replicas,
  ) {
    const note = async (changes: readonly Applied<unknown>[], client?: PoolClient): Promise<void> => {
      const gone = changes.filter(({ after }) => after === null).map(({ guid }) => guid)
      if (client) await todo.add(client, KIND, gone)
    }
    for (const contract of [userContract, groupContract]) replicas.of<unknown>(contract).onApplied(note)
    todo.on(
      KIND,
      (guid) => this.#drop(guid),
      async () => (await this.permissions.deletedPrincipals()).map((key) => ({ kind: KIND, key })),
    )
  }

  async #drop(principalGuid: string): Promise<void> {
    const context = { actor: { type: 'service', name: 'integrations' } as const, commandId: randomUUID() }
    for (const guid of await this.permissions.contentGuidsOf(principalGuid)) {
      await this.streams.handle(contentStream, guid, { type: 'DropPrincipal', principalGuid }, context)
    }
  }
}
