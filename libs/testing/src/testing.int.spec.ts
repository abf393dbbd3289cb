import { jetstreamManager } from '@nats-io/jetstream'
import { eventually, freshDatabase, freshJetStream, natsConnection } from './index.js'

describe('freshDatabase', () => {
  it('gives each spec a database of its own, with the two roles and their search paths', async () => {
    const [one, two] = await Promise.all([freshDatabase('empty'), freshDatabase('empty')])
    try {
      await one
        .ownerPool()
        .query('create schema model; grant usage on schema model to empty; create table model.thing (id int)')
      expect((await one.ownerPool().query('show search_path')).rows[0]).toEqual({
        search_path: 'public, model, record, log',
      })
      expect((await two.pool().query('select current_user, to_regclass($1) as thing', ['model.thing'])).rows).toEqual([
        { current_user: 'empty', thing: null },
      ])
      await expect(one.pool().query('select * from thing')).rejects.toThrow('permission denied')
      await expect(one.pool().query('create table model.other ()')).rejects.toThrow('permission denied')
    } finally {
      await Promise.all([one.drop(), two.drop()])
    }
  })

  it('lets no service enter the database of another', async () => {
    const database = await freshDatabase('empty')
    const url = new URL(database.url)
    url.username = 'vault'
    try {
      await expect(database.pool({ connectionString: url.href }).query('select 1')).rejects.toThrow(
        'permission denied for database',
      )
    } finally {
      await database.drop()
    }
  })
})

describe('NATS', () => {
  it('gives a connection to the shared server', async () => {
    const nats = await natsConnection()
    await nats.flush()
    await nats.close()
  })

  it('gives a server that keeps its store over a kill and loses it when wiped', async () => {
    const jetStream = await freshJetStream()
    try {
      const manager = await jetstreamManager(await jetStream.connect())
      await manager.streams.add({ name: 'things', subjects: ['things.>'] })
      await manager.jetstream().publish('things.1', 'one')
      await jetStream.kill()
      await jetStream.start()
      const again = await jetstreamManager(await jetStream.connect())
      await eventually(async () => (await again.streams.info('things')).state.messages === 1)
      await jetStream.kill()
      await jetStream.wipe()
      await jetStream.start()
      const wiped = await jetstreamManager(await jetStream.connect())
      await expect(wiped.streams.info('things')).rejects.toThrow('stream not found')
    } finally {
      await jetStream.stop()
    }
  })
})
