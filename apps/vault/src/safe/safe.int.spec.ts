import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { Secret } from '#libs/contracts'
import { freshDatabase, type FreshDatabase } from '#libs/testing'
import type { Pool } from 'pg'
import { Keyring } from './keyring.js'
import { Safe } from './safe.js'
import { placeName, SafeError, type Place } from './seal.js'

const [first, second] = [randomBytes(32), randomBytes(32)].map((key) => key.toString('base64'))
const ring = (active: number, keys: object) => Keyring.parse(JSON.stringify({ active, keys }))
const safe = new Safe(ring(1, { 1: first }))
const place: Place = ['grant', '0b1c', 'refresh_token']

let database: FreshDatabase
let pool: Pool

beforeAll(async () => {
  database = await freshDatabase('vault')
  pool = database.pool()
})
afterAll(() => database.drop())
beforeEach(() => pool.query('delete from safe'))

/** How many secrets each version of the keys still holds. */
const versionsInUse = async (): Promise<object> => {
  const { rows } = await pool.query<{ version: string; count: number }>(
    'select kek_version as version, count(*)::int as count from safe group by kek_version',
  )
  return Object.fromEntries(rows.map(({ version, count }) => [version, count]))
}

describe('the table of the safe', () => {
  it('keeps secrets of one place by generation', async () => {
    await safe.put(pool, place, 1, new Secret('one'))
    await safe.put(pool, place, 2, new Secret('two'))
    expect((await safe.open(pool, place, 1)).reveal()).toBe('one')
    expect((await safe.open(pool, place, 2)).reveal()).toBe('two')
    expect(inspect(await safe.open(pool, place, 2))).toBe('[secret]')
  })

  it('overwrites the same place and generation', async () => {
    await safe.put(pool, place, 1, new Secret('one'))
    await safe.put(pool, place, 1, new Secret('another'))
    expect((await safe.open(pool, place, 1)).reveal()).toBe('another')
  })

  it('VAULT-08 holds nothing that can be read', async () => {
    await safe.put(pool, place, 1, new Secret('correct horse'))
    const { rows } = await pool.query<{ row: string }>('select safe::text as row, envelope from safe')
    expect(Buffer.from(JSON.stringify(rows)).includes('correct')).toBe(false)
    expect(rows[0]?.row).not.toContain(Buffer.from('correct').toString('hex'))
  })

  it('VAULT-08 tells none from what does not open now, and that from what never will', async () => {
    expect(await safe.find(pool, place, 1)).toBeUndefined()
    await expect(safe.open(pool, place, 1)).rejects.toMatchObject({ code: 'safe.missing' })
    await safe.put(pool, place, 1, new Secret('one'))
    const keyless = new Safe(ring(2, { 2: second }))
    await expect(keyless.find(pool, place, 1)).rejects.toMatchObject({ code: 'safe.key_missing', kind: 'unavailable' })
    await pool.query(`update safe set envelope = set_byte(envelope, 70, get_byte(envelope, 70) # 1)`)
    await expect(safe.find(pool, place, 1)).rejects.toMatchObject({ code: 'safe.tampered' })
  })

  it('E17 refuses rows that somebody has swapped or set back', async () => {
    const other: Place = ['grant', '0b1d', 'refresh_token']
    await safe.put(pool, place, 1, new Secret('mine'))
    await safe.put(pool, other, 1, new Secret('yours'))
    await pool.query(`update safe set envelope = (select envelope from safe where place = $1) where place = $2`, [
      placeName(other),
      placeName(place),
    ])
    await expect(safe.open(pool, place, 1)).rejects.toThrow(SafeError)
    await pool.query('update safe set generation = 2 where place = $1', [placeName(other)])
    await expect(safe.open(pool, other, 2)).rejects.toThrow(SafeError)
  })

  it('takes part in the transaction of the client that it is given', async () => {
    const client = await pool.connect()
    try {
      await client.query('begin')
      await safe.put(client, place, 1, new Secret('one'))
      await client.query('rollback')
    } finally {
      client.release()
    }
    await expect(safe.open(pool, place, 1)).rejects.toThrow(SafeError)
  })

  it('destroys a place, or its older generations', async () => {
    for (const generation of [1, 2, 3]) await safe.put(pool, place, generation, new Secret('x'))
    expect(await safe.destroy(pool, place, { before: 3 })).toBe(2)
    expect((await safe.open(pool, place, 3)).reveal()).toBe('x')
    expect(await safe.destroy(pool, place)).toBe(1)
    expect(await safe.destroy(pool, place)).toBe(0)
  })
})

describe('R16 rotating the key', () => {
  it('rewraps all, after which the old key can be retired', async () => {
    for (const generation of [1, 2, 3, 4, 5]) await safe.put(pool, place, generation, new Secret(`no. ${generation}`))
    const rotating = new Safe(ring(2, { 1: first, 2: second }))
    await rotating.put(pool, place, 6, new Secret('no. 6'))
    expect(await versionsInUse()).toEqual({ 1: 5, 2: 1 })
    expect((await rotating.open(pool, place, 1)).reveal()).toBe('no. 1')

    const first3 = await rotating.rewrap(pool, { limit: 3 })
    expect(first3).toEqual({ rewrapped: 3, damaged: 0, deleted: 0, next: { place: placeName(place), generation: 3 } })
    expect(await rotating.outdated(pool)).toBe(2)
    expect(await rotating.rewrap(pool, { limit: 3, after: first3.next })).toMatchObject({ rewrapped: 2 })
    expect(await rotating.outdated(pool)).toBe(0)
    expect(await versionsInUse()).toEqual({ 2: 6 })
    const retired = new Safe(ring(2, { 2: second }))
    for (const generation of [1, 2, 3, 4, 5, 6]) {
      expect((await retired.open(pool, place, generation)).reveal()).toBe(`no. ${generation}`)
    }
  })

  it('refuses to rewrap what a key that was retired too early had sealed', async () => {
    await safe.put(pool, place, 1, new Secret('one'))
    const hasty = new Safe(ring(2, { 2: second }))
    await expect(hasty.rewrap(pool)).rejects.toThrow(SafeError)
    expect((await safe.open(pool, place, 1)).reveal()).toBe('one')
  })

  it('can be done by two at once', async () => {
    for (const generation of [1, 2, 3, 4, 5]) await safe.put(pool, place, generation, new Secret(`no. ${generation}`))
    const rotating = new Safe(ring(2, { 1: first, 2: second }))
    await Promise.all([rotating.rewrap(pool), rotating.rewrap(pool)])
    expect(await versionsInUse()).toEqual({ 2: 5 })
    expect((await rotating.open(pool, place, 4)).reveal()).toBe('no. 4')
  })
})
