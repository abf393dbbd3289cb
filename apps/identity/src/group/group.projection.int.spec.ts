import { randomUUID } from 'node:crypto'
import { PostgresEventStore, Streams } from '#libs/event-sourcing'
import { freshDatabase } from '#libs/testing'
import type { GroupCommand } from './group.decider.js'
import { groupStream } from './group.stream.js'

describe('the rows of groups', () => {
  it('are the same whether groups are made one by one or together', async () => {
    const database = await freshDatabase('identity')
    try {
      const pool = database.pool()
      const streams = new Streams(new PostgresEventStore(pool))
      const context = () => ({ actor: { type: 'provider' }, commandId: randomUUID() })
      const owner = randomUUID()
      const commands: GroupCommand[] = [
        { type: 'CreateGroup', name: 'plain', ownerGuid: null, uniqueId: null },
        { type: 'CreateGroup', name: 'ö "quoted", {braced}', ownerGuid: owner, uniqueId: 'NULL' },
      ]
      for (const command of commands) await streams.handle(groupStream, randomUUID(), command, context())
      await streams.begin(groupStream, new Map(commands.map((command) => [randomUUID(), command])), context())
      const { rows } = await pool.query<Record<string, unknown>>(`
        select user_group.name, owner_guid, unique_id, user_group.created_at = event.recorded_at
          or date_trunc('milliseconds', event.recorded_at) = user_group.created_at as at
        from user_group join event on event.position = user_group.position and stream_id = 'group-' || guid
        order by event.position`)
      const [plain, quoted] = [
        { name: 'plain', owner_guid: null, unique_id: null, at: true },
        { name: 'ö "quoted", {braced}', owner_guid: owner, unique_id: 'NULL', at: true },
      ]
      expect(rows).toEqual([plain, quoted, plain, quoted])
      const outbox = await pool.query('select from outbox where version = 1')
      expect(outbox.rowCount).toBe(4)
    } finally {
      await database.drop()
    }
  })
})
