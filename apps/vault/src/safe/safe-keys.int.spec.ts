import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Logger } from '@nestjs/common'
import type { Pool } from 'pg'
import { Secret } from '#libs/contracts'
import { eventually, freshDatabase, type FreshDatabase } from '#libs/testing'
import { AwsKms } from './aws-kms.js'
import { FakeAwsKms, refusedByAws } from './key-services.fixture.js'
import { SafeKeys, type SafeKeysOptions } from './safe-keys.js'
import { safeContract } from './safe.conformance.js'
import { Safe } from './safe.js'
import { SafeError, type Place } from './seal.js'

Logger.overrideLogger(false)
Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' })

const folder = mkdtempSync(join(tmpdir(), 'keybearer-safe-keys-'))
const newKey = () => randomBytes(32).toString('base64')
const place = (name: string): Place => ['grant', name, 'refresh_token']

let database: FreshDatabase
let pool: Pool
let kms: FakeAwsKms
let opened: SafeKeys[] = []

beforeAll(async () => {
  database = await freshDatabase('vault')
  pool = database.pool()
  kms = await new FakeAwsKms().start()
})
afterAll(async () => {
  await kms.stop()
  await database.drop()
  rmSync(folder, { recursive: true })
})
beforeEach(async () => {
  opened = []
  await pool.query('delete from safe; delete from safe_key')
})
afterEach(() => {
  for (const keys of opened) keys.close()
  kms.fault = undefined
})

function fileOf(active: number, keys: Record<number, string>): string {
  const file = join(folder, `${randomBytes(6).toString('hex')}.json`)
  writeFileSync(file, JSON.stringify({ active, keys }), { mode: 0o600 })
  return file
}

/** A process of the vault. */
async function processWith(options: Partial<SafeKeysOptions>): Promise<{ keys: SafeKeys; safe: Safe }> {
  const keys = await SafeKeys.open(pool, { provider: 'file', ...options })
  opened.push(keys)
  return { keys, safe: new Safe(keys) }
}

const service = () => new AwsKms({ key: 'alias/keybearer', region: 'eu-central-1', endpoint: kms.url })
const withKms = (more: Partial<SafeKeysOptions> = {}) =>
  processWith({ provider: 'aws-kms', services: [service()], ...more })

safeContract('a running process', async ({ active, keys }) => {
  // As in a house of its own: other keys have had these numbers before.
  await pool.query('delete from safe_key')
  return (await processWith({ file: fileOf(active, keys) })).keys
})

describe('R16 keys of a file', () => {
  it('change while two processes serve; nobody fails, and nothing is left under the old key', async () => {
    const file = fileOf(1, { 1: newKey() })
    const [one, other] = [await processWith({ file }), await processWith({ file })]
    for (const name of ['a', 'b', 'c']) await one.safe.put(pool, place(name), 1, new Secret(name))

    expect(await one.keys.make()).toBe(2)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    await one.safe.put(pool, place('d'), 1, new Secret('d'))
    // The other one has not looked yet.
    expect(other.keys.active).toBe(1)
    expect((await other.safe.open(pool, place('d'), 1)).reveal()).toBe('d')
    expect(other.keys.active).toBe(2)

    await expect(one.keys.retire(1)).rejects.toMatchObject({ code: 'safe.key_in_use', payload: { secrets: 3 } })
    expect(await one.safe.rewrap(pool)).toEqual({ rewrapped: 3, damaged: 0, deleted: 0, next: undefined })
    expect(await one.safe.outdated(pool)).toBe(0)
    await expect(one.keys.retire(2)).rejects.toMatchObject({ code: 'safe.key_active' })
    expect(await one.keys.retire(1)).toBe(true)
    expect(Object.keys((JSON.parse(readFileSync(file, 'utf8')) as { keys: object }).keys)).toEqual(['2'])
    for (const name of ['a', 'b', 'c', 'd']) expect((await other.safe.open(pool, place(name), 1)).reveal()).toBe(name)
    expect(await one.keys.list()).toEqual([
      { version: 1, provider: 'file', active: false, retired: true, secrets: 0 },
      { version: 2, provider: 'file', active: true, retired: false, secrets: 4 },
    ])
  })

  it('are noticed when somebody else changes the file, and can be set back', async () => {
    const keys = { 1: newKey(), 2: newKey() }
    const file = fileOf(1, keys)
    const one = await processWith({ file })
    one.keys.watch()
    writeFileSync(file, JSON.stringify({ active: 2, keys }, null, 1))
    await eventually(() => one.keys.active === 2, { timeoutMs: 10_000 })
    await one.safe.put(pool, place('a'), 1, new Secret('a'))
    writeFileSync(file, JSON.stringify({ active: 1, keys }))
    await one.keys.reload()
    expect(await one.safe.rewrap(pool)).toMatchObject({ rewrapped: 1 })
    expect(await one.keys.list()).toMatchObject([{ secrets: 1 }, { secrets: 0 }])
  })

  it('seal nothing with a key that has been retired meanwhile', async () => {
    const keys = { 1: newKey(), 2: newKey() }
    const [one, behind] = [await processWith({ file: fileOf(2, keys) }), await processWith({ file: fileOf(1, keys) })]
    await one.keys.retire(1)
    await expect(behind.safe.put(pool, place('a'), 1, new Secret('a'))).rejects.toMatchObject({
      code: 'safe.key_retired',
    })
    expect(() => behind.keys.mustBeComplete()).toThrow('key 1, which should seal')
    expect(await one.keys.list()).toMatchObject([{ secrets: 0 }, { secrets: 0 }])
  })

  it('that cannot be written are added by hand, and the refusal says so', async () => {
    const one = await processWith({
      provider: 'environment',
      text: new Secret(readFileSync(fileOf(1, { 1: newKey() }), 'utf8')),
    })
    await expect(one.keys.make()).rejects.toMatchObject({ code: 'safe.keys_read_only' })
  })
})

describe('I04 the start is refused', () => {
  it('when a key is missing that secrets need, with their number', async () => {
    const one = await processWith({ file: fileOf(1, { 1: newKey() }) })
    await one.safe.put(pool, place('a'), 1, new Secret('a'))
    await one.safe.put(pool, place('b'), 1, new Secret('b'))
    await expect(processWith({ file: fileOf(2, { 2: newKey() }) })).rejects.toThrow('missing: key 1 (2 secrets)')
  })

  it('when another key has the number of one that is known', async () => {
    await processWith({ file: fileOf(1, { 1: newKey() }) })
    await expect(processWith({ file: fileOf(1, { 1: newKey() }) })).rejects.toThrow('is not the key 1')
  })

  it('without any keys', async () => {
    await expect(processWith({})).rejects.toThrow('the safe has no keys')
    await expect(processWith({ file: join(folder, 'none') })).rejects.toThrow('cannot be read (ENOENT)')
  })

  const twin = newKey()
  it.each([
    ['the same key twice', { 1: twin, 2: twin }, 'are the same key'],
    ['zeros', { 1: Buffer.alloc(32).toString('base64') }, 'no random key'],
    ['a sentence', { 1: Buffer.from('change-me-to-a-32-byte-long-key!').toString('base64') }, 'no random key'],
    ['a run', { 1: Buffer.from(Array.from({ length: 32 }, (_, at) => at)).toString('base64') }, 'no random key'],
  ])('with %s', async (_what, keys, message) => {
    await expect(processWith({ file: fileOf(1, keys as Record<number, string>) })).rejects.toThrow(message)
  })
})

it('R16 a process without a key that another has is not ready', async () => {
  const [first, second] = [newKey(), newKey()]
  const behind = await processWith({ file: fileOf(1, { 1: first }) })
  behind.keys.mustBeComplete()
  await processWith({ file: fileOf(1, { 1: first, 2: second }) })
  await behind.keys.reload()
  expect(() => behind.keys.mustBeComplete()).toThrow('key 2 is missing here')
})

describe('keys that AWS KMS wraps', () => {
  it('are made at the first start, and asked for once: no seal and no opening asks KMS', async () => {
    const one = await withKms()
    await one.safe.put(pool, place('a'), 1, new Secret('a'))
    const other = await withKms()
    kms.asked.length = 0
    for (let round = 0; round < 50; round++) {
      expect((await other.safe.open(pool, place('a'), 1)).reveal()).toBe('a')
      await other.safe.put(pool, place('b'), 1, new Secret('b'))
    }
    expect(kms.asked).toEqual([])
    const { rows } = await pool.query<{ wrapped: string }>('select wrapped from safe_key')
    expect(rows).toHaveLength(1)
    expect(Buffer.from(rows[0]!.wrapped, 'base64').length).toBeGreaterThan(32)
  })

  it('R16 change while two processes serve, and are destroyed when they are retired', async () => {
    const [one, other] = [await withKms(), await withKms()]
    await one.safe.put(pool, place('a'), 1, new Secret('a'))
    expect(await one.keys.make()).toBe(2)
    await one.safe.put(pool, place('b'), 1, new Secret('b'))
    expect((await other.safe.open(pool, place('b'), 1)).reveal()).toBe('b')
    await one.safe.rewrap(pool)
    expect(await one.keys.retire(1)).toBe(true)
    const { rows } = await pool.query<{ wrapped: string | null }>('select wrapped from safe_key where version = 1')
    expect(rows).toEqual([{ wrapped: null }])
    expect((await (await withKms()).safe.open(pool, place('a'), 1)).reveal()).toBe('a')
  })

  it('take over from those of a file, which open until they are retired', async () => {
    const file = fileOf(1, { 1: newKey() })
    const former = await processWith({ file })
    await former.safe.put(pool, place('a'), 1, new Secret('a'))
    const one = await withKms({ file })
    expect(one.keys.active).toBe(2)
    expect((await one.safe.open(pool, place('a'), 1)).reveal()).toBe('a')
    await one.safe.rewrap(pool)
    expect((await (await withKms()).safe.open(pool, place('a'), 1)).reveal()).toBe('a')
    // It seals nothing here and is the file's only one: the file goes by hand, and a new one of the same number is nobody's.
    expect(await one.keys.retire(1)).toBe(false)
    expect(await one.keys.retire(1)).toBe(false)
    const again = await withKms({ file: fileOf(1, { 1: newKey() }) })
    expect((await again.safe.open(pool, place('a'), 1)).reveal()).toBe('a')
    again.keys.mustBeComplete()
  })

  it('are the same for processes that start for the first time at the same time', async () => {
    const [one, other] = await Promise.all([withKms(), withKms()])
    expect(await one.keys.list()).toHaveLength(1)
    await one.safe.put(pool, place('a'), 1, new Secret('a'))
    expect((await other.safe.open(pool, place('a'), 1)).reveal()).toBe('a')
  })

  it('outlive an outage as long as they may be held, and no longer', async () => {
    const one = await withKms({ lifetimeMs: 400 })
    await one.safe.put(pool, place('a'), 1, new Secret('a'))
    kms.fault = refusedByAws('DisabledException')
    await one.keys.reload()
    expect((await one.safe.open(pool, place('a'), 1)).reveal()).toBe('a')
    await eventually(() => one.keys.key(1) === undefined, { timeoutMs: 5_000 })
    await expect(one.safe.open(pool, place('a'), 1)).rejects.toMatchObject({ code: 'safe.key_missing' })
    await expect(one.safe.open(pool, place('a'), 1)).rejects.toThrow(SafeError)
    kms.fault = undefined
    expect((await one.safe.open(pool, place('a'), 1)).reveal()).toBe('a')
  })

  it('stop the start when KMS does not give them', async () => {
    await withKms()
    kms.fault = 'cut'
    await expect(withKms()).rejects.toThrow('aws-kms')
  })
})

it('the key file may be read by its owner only, later too', async () => {
  const file = fileOf(1, { 1: newKey() })
  const one = await processWith({ file })
  chmodSync(file, 0o644)
  await expect(one.keys.reload()).rejects.toThrow('its mode must be 0600')
  expect(one.keys.active).toBe(1)
})
