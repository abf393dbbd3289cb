import { Secret } from '#libs/contracts'
import { freshDatabase, type FreshDatabase } from '#libs/testing'
import type { Pool } from 'pg'
import { PendingLogins } from './pending-logins.js'

let database: FreshDatabase
let pool: Pool

beforeAll(async () => {
  database = await freshDatabase('identity')
  pool = database.pool()
})
beforeEach(() => pool.query('delete from pending_login'))
afterAll(() => database.drop())

const key = new Secret('key')
const count = async (): Promise<number> =>
  (await pool.query<{ count: number }>('select count(*)::int as count from pending_login')).rows[0]!.count

describe('logins on their way', () => {
  it('H05: are ten a browser, beyond which the oldest goes', async () => {
    const logins = new PendingLogins(pool, key)
    const other = await logins.begin('other', '/')
    const states: string[] = []
    for (let n = 0; n < 12; n++) states.push((await logins.begin('browser', `/${n}`)).state)
    expect(await count()).toBe(11)
    expect(await logins.take(states[0]!, 'browser')).toBeUndefined()
    expect(await logins.take(states[1]!, 'browser')).toBeUndefined()
    for (let n = 2; n < 12; n++) expect(await logins.take(states[n]!, 'browser')).toMatchObject({ returnTo: `/${n}` })
    expect(await logins.take(other.state, 'other')).toBeDefined()
  })

  it('H05: are no more than there is room for, beyond which the oldest goes', async () => {
    const logins = new PendingLogins(pool, key, 20)
    const states: string[] = []
    for (let n = 0; n < 25; n++) states.push((await logins.begin(`browser ${n}`, '/')).state)
    expect(await count()).toBe(20)
    expect(await logins.take(states[4]!, 'browser 4')).toBeUndefined()
    expect(await logins.take(states[5]!, 'browser 5')).toBeDefined()
  })

  it('go when their time is over, whoever comes next', async () => {
    const logins = new PendingLogins(pool, key)
    for (let n = 0; n < 30; n++) await logins.begin(`browser ${n}`, '/')
    await pool.query(`update pending_login set expires_at = now() - interval '1 second'`)
    await logins.begin('another', '/')
    expect(await count()).toBe(1)
  })
})
