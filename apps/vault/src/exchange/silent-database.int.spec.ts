import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { Pool } from 'pg'
import type { Actor } from '#libs/contracts'
import { PostgresEventStore, SHORT_STATEMENTS, sql, Streams, transaction } from '#libs/event-sourcing'
import { AuthorizationSettings } from '#libs/service'
import { freshDatabase, type FreshDatabase } from '#libs/testing'
import { grantStream } from '../grant/grant.stream.js'
import { FactQueries } from './facts.js'
import { IssueLog, type IssueEvent } from './issue-log.js'

const actor: Actor = { type: 'key', guid: randomUUID(), user: randomUUID(), role: 'publisher' }
const issued: IssueEvent = {
  type: 'TokenIssued',
  data: {
    userGuid: randomUUID(),
    contentGuid: randomUUID(),
    integrationGuid: randomUUID(),
    grantGuid: randomUUID(),
    generation: 1,
    expiresAt: null,
  },
}

let database: FreshDatabase
let proxy: Server
let pool: Pool
/** Connections of which nothing arrives any more, either way, and nobody says so. */
const halfOpen = new WeakSet<Socket>()
const sockets = new Set<Socket>()
const loseTheOtherHalf = (): void => sockets.forEach((socket) => halfOpen.add(socket))

beforeAll(async () => {
  database = await freshDatabase('vault')
  const url = new URL(database.url)
  const { hostname, port } = url
  proxy = createServer((near) => {
    const far = connect(Number(port), hostname)
    sockets.add(near)
    near.on('data', (data) => void (halfOpen.has(near) || far.write(data)))
    far.on('data', (data) => void (halfOpen.has(near) || near.write(data)))
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
    for (const socket of [near, far]) socket.on('error', () => undefined)
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  url.host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`
  pool = new Pool({ connectionString: url.href, max: 1, ...SHORT_STATEMENTS, query_timeout: 300 })
  pool.on('error', () => undefined)
  await pool.query('select')
})
afterAll(async () => {
  await pool?.end()
  sockets.forEach((socket) => socket.destroy())
  proxy?.close()
  await database?.drop()
})

describe('R01 a connection to the database that falls silent', () => {
  it('is given up after some seconds', () => {
    expect(SHORT_STATEMENTS.query_timeout).toBeLessThanOrEqual(10_000)
  })

  it('keeps those exchanges waiting that share its statement, and no later ones', async () => {
    const facts = new FactQueries(pool, new AuthorizationSettings())
    const lookUp = () => facts.lookUp(randomUUID(), undefined, randomUUID(), undefined)
    await lookUp()
    loseTheOtherHalf()
    const lost = await Promise.allSettled([lookUp(), lookUp()])
    expect(lost.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect((await lookUp()).facts.content).toBeUndefined()
  })

  it('leaves the audit of issued tokens with a chain that goes on elsewhere', async () => {
    const log = new IssueLog(pool, 'vault-silent')
    await log.record(issued, actor)
    loseTheOtherHalf()
    await expect(log.record(issued, actor)).rejects.toMatchObject({ code: 'exchange.unavailable' })
    await log.record(issued, actor)
    const { rows } = await pool.query('select version from issue order by position')
    expect(rows).toEqual([{ version: 1 }, { version: 1 }])
  })

  it('is thrown away in the middle of a transaction, whose outcome nobody is told', async () => {
    const lost = transaction(pool, async (client) => {
      await client.query(sql`select 1`)
      loseTheOtherHalf()
    })
    await expect(lost).rejects.toThrow('Query read timeout')
    expect(await new Streams(new PostgresEventStore(pool)).load(grantStream, randomUUID())).toMatchObject({
      version: 0,
    })
  })
})
