import type { Pool, PoolClient } from 'pg'

/**
 * Takes a connection out of the pool, to be given back by `release`. pg-pool listens for errors of idle connections
 * only: without a listener the loss of one that is in use would end the process.
 * @param onLost told of the connection's loss, whatever is done with it at that moment
 */
export function checkOut(pool: Pool, onLost: (error: Error) => void): Promise<PoolClient> {
  return new Promise((resolve, reject) => {
    // By callback, since the loss may come in the very packet that made the connection ready.
    pool.connect((error, client) => {
      if (!client) return reject(error ?? new Error('the pool gave no connection'))
      const release = client.release.bind(client)
      client.release = (broken) => {
        release(broken)
        client.off('error', onLost)
      }
      client.on('error', onLost)
      resolve(client)
    })
  })
}

/**
 * Runs statements together, in one transaction on a connection of their own.
 * @throws what `work` throws, and pg's errors; one at commit means that the outcome is unknown
 */
export async function transaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  let lost: Error | undefined
  let broken: Error | undefined
  const client = await checkOut(pool, (error) => (lost ??= error))
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (error) {
    // What pg says about a lost connection afterwards does not tell why.
    if (lost) throw lost
    // A connection whose rollback fails is in an unknown state and must not serve anybody else.
    await client.query('rollback').catch((failure: Error) => (broken = failure))
    throw error
  } finally {
    client.release(lost ?? broken)
  }
}
