import type { Actor } from '#libs/contracts'
import { brokenAt, type StoredEvent } from '#libs/event-sourcing'
import { IssueLog, type IssueEvent } from './issue-log.js'

const actor: Actor = { type: 'key', guid: 'k', user: 'u', role: 'publisher' }
const issued: IssueEvent = {
  type: 'TokenIssued',
  data: {
    userGuid: 'v',
    contentGuid: 'c',
    integrationGuid: 'i',
    grantGuid: 'g',
    generation: 1,
    expiresAt: null,
  },
}

/** A pool whose inserts end when the spec says so. */
class SlowPool {
  readonly inserts: { values: unknown[]; end: (error?: Error) => void }[] = []

  query = ({ values }: { values: unknown[] }): Promise<unknown> =>
    new Promise((resolve, reject) => {
      this.inserts.push({ values, end: (error) => (error ? reject(error) : resolve({})) })
    })

  /** The rows of all inserts, as the table would have them. */
  get rows(): StoredEvent[] {
    return this.inserts.flatMap(({ values: [streamId, schemaVersion, versions, types, data, meta, , hashes] }) =>
      (versions as number[]).map((version, index) => ({
        streamId: streamId as string,
        type: (types as string[])[index]!,
        schemaVersion: schemaVersion as number,
        version,
        data: (data as string[])[index]!,
        meta: (meta as string[])[index]!,
        hash: (hashes as Buffer[])[index]!,
        position: '0',
        recordedAt: new Date(0),
      })),
    )
  }
}

const logOn = (pool: SlowPool): IssueLog => new IssueLog(pool as never, 'vault-2', () => new Date(0))
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('the audit of issued tokens', () => {
  it('collects while an insert is in flight and then writes all at once', async () => {
    const pool = new SlowPool()
    const log = logOn(pool)
    const first = [log.record(issued, actor), log.record(issued, actor)]
    await turn()
    expect(pool.inserts).toHaveLength(1)
    const later = Array.from({ length: 8 }, () => log.record(issued, actor))
    await turn()
    expect(pool.inserts).toHaveLength(1)
    pool.inserts[0]!.end()
    await Promise.all(first)
    await turn()
    expect(pool.inserts).toHaveLength(2)
    pool.inserts[1]!.end()
    await Promise.all(later)
    expect(pool.rows.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  it('does not resolve before its own row is durable', async () => {
    const pool = new SlowPool()
    let durable = false
    void logOn(pool)
      .record(issued, actor)
      .then(() => (durable = true))
    await turn()
    expect(durable).toBe(false)
    pool.inserts[0]!.end()
    await turn()
    expect(durable).toBe(true)
  })

  it('chains its rows over all inserts', async () => {
    const pool = new SlowPool()
    const log = logOn(pool)
    for (let count = 0; count < 3; count++) {
      const record = log.record(issued, actor, 'correlation')
      await turn()
      pool.inserts[count]!.end()
      await record
    }
    expect(brokenAt(pool.rows)).toBeUndefined()
    expect(pool.rows[0]!.streamId).toMatch(/^issue-vault-2-1970-01-01T00:00:00.000Z-/)
    expect(JSON.parse(pool.rows[0]!.meta)).toMatchObject({ actor, correlation_id: 'correlation' })
  })

  it('refuses all of a group that was not written, and goes on with a new stream', async () => {
    const pool = new SlowPool()
    const log = logOn(pool)
    const first = log.record(issued, actor)
    await turn()
    const second = log.record(issued, actor)
    pool.inserts[0]!.end(new Error('connection lost'))
    await expect(first).rejects.toMatchObject({ code: 'exchange.unavailable', kind: 'unavailable' })
    await turn()
    pool.inserts[1]!.end()
    await second
    const [lost, kept] = pool.rows
    expect(kept!.version).toBe(1)
    expect(kept!.streamId).not.toBe(lost!.streamId)
  })
})
