import { randomBytes } from 'node:crypto'
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { Logger } from '@nestjs/common'
import type { Pool } from 'pg'
import { Secret } from '#libs/contracts'
import { freshDatabase, type FreshDatabase } from '#libs/testing'
import { Keyring } from './keyring.js'
import { SafeKeys } from './safe-keys.js'
import { Safe } from './safe.js'
import { open, parsePlace, placeName, SafeError, type Place } from './seal.js'

const folder = mkdtempSync(join(tmpdir(), 'keybearer-tampering-'))
const file = join(folder, 'keys.json')
writeFileSync(file, JSON.stringify({ active: 1, keys: { 1: randomBytes(32).toString('base64') } }), { mode: 0o600 })

const CANARY = 'canary-refresh-token'
const mine: Place = ['grant', 'mine', 'refresh_token']
const yours: Place = ['grant', 'yours', 'refresh_token']

let database: FreshDatabase
let pool: Pool
let keys: SafeKeys
let safe: Safe
const logged: unknown[][] = []

beforeAll(async () => {
  Logger.overrideLogger({
    log: () => undefined,
    warn: () => undefined,
    error: (...said: unknown[]) => void logged.push(said),
  })
  database = await freshDatabase('vault')
  pool = database.pool()
  keys = await SafeKeys.open(pool, { provider: 'file', file })
  safe = new Safe(keys)
})
afterAll(async () => {
  keys?.close()
  await database.drop()
  rmSync(folder, { recursive: true })
})
beforeEach(async () => {
  await pool.query('delete from safe')
  await safe.put(pool, mine, 1, new Secret(CANARY))
  await safe.put(pool, yours, 1, new Secret('yours'))
  logged.length = 0
})

/** What is said to the caller and in the log, when this secret is asked for. */
async function refusalOf(place: Place, generation: number): Promise<void> {
  const refusal: unknown = await safe.open(pool, place, generation).catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(SafeError)
  expect(refusal).toMatchObject({ code: 'safe.tampered', payload: null })
  expect(logged[0]?.[0]).toEqual({ security: 'safe.tampered', place: placeName(place), generation })
  expect(inspect([refusal, logged], { depth: 10 })).not.toContain(CANARY)
  logged.length = 0
}

describe('E17 whoever writes to the table of the safe', () => {
  it('opens it as it is', async () => {
    expect((await safe.open(pool, mine, 1)).reveal()).toBe(CANARY)
    expect(logged).toEqual([])
  })

  it('gets nothing by swapping the values of two rows', async () => {
    await pool.query(`
      update safe set envelope = other.envelope from (select place, envelope from safe) as other
      where other.place <> safe.place`)
    await refusalOf(mine, 1)
    await refusalOf(yours, 1)
  })

  it('gets nothing by giving a row to somebody else', async () => {
    await pool.query('delete from safe where place = $1', [placeName(yours)])
    await pool.query('update safe set place = $2 where place = $1', [placeName(mine), placeName(yours)])
    await refusalOf(yours, 1)
  })

  it('gets nothing by another generation', async () => {
    await pool.query('update safe set generation = 2 where place = $1', [placeName(mine)])
    await refusalOf(mine, 2)
  })

  it('gets nothing by a short tag', async () => {
    const { rows } = await pool.query<{ length: number }>('select length(envelope) from safe where place = $1', [
      placeName(mine),
    ])
    for (const kept of [rows[0]!.length - 1, rows[0]!.length - 12, 92, 5, 0]) {
      await pool.query('update safe set envelope = substring(envelope for $2) where place = $1', [
        placeName(mine),
        kept,
      ])
      await refusalOf(mine, 1)
    }
  })

  it('gets nothing by flipping a bit of any byte', async () => {
    const { rows } = await pool.query<{ envelope: Buffer }>('select envelope from safe where place = $1', [
      placeName(mine),
    ])
    const whole = rows[0]!.envelope
    for (let index = 0; index < whole.length; index++) {
      const flipped = Buffer.from(whole)
      flipped.writeUInt8(flipped.readUInt8(index) ^ (1 << (index % 8)), index)
      await pool.query('update safe set envelope = $2 where place = $1', [placeName(mine), flipped])
      await refusalOf(mine, 1)
    }
  })

  it('does not stop a rotation, which counts what does not open', async () => {
    await pool.query('update safe set envelope = set_byte(envelope, 30, get_byte(envelope, 30) # 1) where place = $1', [
      placeName(mine),
    ])
    await keys.make()
    expect(await safe.rewrap(pool)).toEqual({ rewrapped: 1, damaged: 1, deleted: 0, next: undefined })
    expect(logged[0]?.[0]).toMatchObject({ security: 'safe.tampered', place: placeName(mine) })
    expect((await safe.open(pool, yours, 1)).reveal()).toBe('yours')
    expect(await safe.rewrap(pool, { deleteDamaged: true })).toEqual({
      rewrapped: 0,
      damaged: 0,
      deleted: 1,
      next: undefined,
    })
    expect(await safe.outdated(pool)).toBe(0)
    expect((await safe.open(pool, yours, 1)).reveal()).toBe('yours')
  })
})

it('E19 P12 after a deletion and the retirement of the key of then, no copy from before opens with any key that is left', async () => {
  const copies: { place: string; generation: number; envelope: Buffer }[] = []
  const copy = async () => copies.push(...(await pool.query<(typeof copies)[0]>('select * from safe')).rows)
  await copy()
  const { rows: dumped } = await pool.query<{ line: string }>('select safe::text as line from safe')
  await keys.make()
  await safe.rewrap(pool)
  await copy()
  const former = keys.active
  expect(await safe.destroy(pool, mine)).toBe(1)
  const opens = (ring: { key(version: number): unknown }) =>
    copies.filter(({ place, generation, envelope }) => {
      try {
        open(ring as SafeKeys, parsePlace(place), generation, envelope)
        return place === placeName(mine)
      } catch {
        return false
      }
    }).length
  // Before its key is gone, a backup does open: this is what the retirement is for.
  expect(opens(keys)).toBe(2)

  await keys.make()
  await safe.rewrap(pool)
  for (const { version, retired } of await keys.list())
    if (version <= former && !retired) expect(await keys.retire(version)).toBe(true)
  expect(opens(keys)).toBe(0)
  expect(opens(Keyring.load(file))).toBe(0)
  expect(JSON.stringify(dumped)).not.toContain(Buffer.from(CANARY).toString('hex'))
  expect((await safe.open(pool, yours, 1)).reveal()).toBe('yours')
})
