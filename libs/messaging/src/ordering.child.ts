import { writeSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '@nats-io/transport-node'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { Logger } from '@nestjs/common'
import pg from 'pg'
import { Broker } from './broker.js'
import { changeMessage, type PublishedSource } from './published.js'
import { ChangePublisher } from './publisher.js'
import { guidOfStream } from './subject.js'
import { publishedThing, type ThingState } from './things.fixture.js'

/*
 * A publisher of its own process, for the proof of ordering: to be killed and stopped without a chance to be orderly.
 * Arguments: way, database URL, NATS URL, after how many documents it stops itself between reading and publishing.
 */
const [way, databaseUrl = '', natsUrl = '', sleepAfter = '0'] = process.argv.slice(2)
Logger.overrideLogger(false)
const pool = new pg.Pool({ connectionString: databaseUrl, max: 6 })
pool.on('error', () => undefined)

let reads = 0
const sleepy: PublishedSource<ThingState> = {
  contract: publishedThing.contract,
  async read(database, guid) {
    const document = await publishedThing.read(database, guid)
    if (++reads === Number(sleepAfter)) {
      writeSync(1, `stopping ${guid} ${document?.version ?? 0}\n`)
      process.kill(process.pid, 'SIGSTOP')
    }
    return document
  },
}

/** The outbox's rows are names of what changed; this is the other way, a cursor over positions. */
async function pollPositions(): Promise<never> {
  const { hostname, port, username, password } = new URL(natsUrl)
  const connection = await connect({ servers: `${hostname}:${port}`, user: username, pass: password })
  const manager = await jetstreamManager(connection)
  await manager.streams.add({ name: 'INTEGRATIONS', subjects: ['integrations.>'], max_msgs_per_subject: 1 })
  const client = jetstream(connection)
  for (let cursor = '0'; ;) {
    const { rows } = await pool.query<{ position: string; stream_id: string }>(
      'select position, stream_id from event where position > $1 order by position limit 500',
      [cursor],
    )
    const announce = async (streamId: string): Promise<void> => {
      const document = await publishedThing.read(pool, guidOfStream(streamId))
      const subject = `integrations.${streamId.replace('-', '.')}`
      if (document) await client.publish(subject, JSON.stringify(changeMessage(publishedThing.contract, document)))
    }
    await Promise.all([...new Set(rows.map(({ stream_id }) => stream_id))].map(announce))
    cursor = rows.at(-1)?.position ?? cursor
    if (rows.length === 0) writeSync(1, `idle ${cursor}\n`)
    await delay(rows.length === 0 ? 5 : 0)
  }
}

if (way === 'position') {
  await pollPositions()
} else {
  const publisher = new ChangePublisher({
    service: 'integrations',
    pool,
    broker: new Broker(natsUrl, 'ordering'),
    sources: [sleepy],
    pollMs: 10,
    heartbeatMs: 500,
    retryMs: 50,
    ackMs: 2000,
    // Some lead alone, some do not care: what is proved must not rest on the lock.
    exclusive: way === 'exclusive',
  })
  publisher.start()
  writeSync(1, 'started\n')
  process.on('SIGTERM', () => {
    void publisher.close().then(() => {
      writeSync(1, `ended ${publisher.statistics.overtaken}\n`)
      process.exit()
    })
  })
}
