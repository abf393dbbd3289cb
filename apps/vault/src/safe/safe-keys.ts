import { createHmac, createSecretKey, randomBytes, type KeyObject } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs'
import path from 'node:path'
import { Logger } from '@nestjs/common'
import type { Pool, PoolClient } from 'pg'
import { DomainError, type SafeKeyVersion, type Secret } from '#libs/contracts'
import { sql, transaction } from '#libs/event-sourcing'
import type { KeyProvider } from '#libs/service'
import type { KeyContext, KeyService } from './key-service.js'
import { KEY_BYTES, Keyring, KeyringError, type KeySource } from './keyring.js'

/** The table of the keys' versions, for a migration; after `logSchema`, whose default privileges give the serving role its rights. */
export const SAFE_KEY_SCHEMA_SQL = `
create table record.safe_key (
  version     bigint      primary key check (version between 1 and 4294967295),
  provider    text        not null,
  check_value bytea       not null,
  wrapped     text,
  made_at     timestamptz not null default clock_timestamp(),
  retired_at  timestamptz
);
comment on table  record.safe_key is 'Every version of the key-encrypting keys that a process of the vault has had.';
comment on column record.safe_key.check_value is 'HMAC of fixed words under the key: another key of the same version is found out at the start.';
comment on column record.safe_key.wrapped is 'The key, wrapped by the key management service; null with keys of a file, and of retired keys.';
comment on column record.safe_key.retired_at is 'From now on nothing may be sealed with it.';
`

export interface SafeKeysOptions {
  /** Where new keys come from; all that are given open. */
  readonly provider: KeyProvider
  /** The key file, mode 0600. */
  readonly file?: string | undefined
  /** The key ring as text, from the environment. */
  readonly text?: Secret | undefined
  readonly services?: readonly KeyService[]
  /** Milliseconds that a key is held after the key management service has last unwrapped it. */
  readonly lifetimeMs?: number
}

interface Row {
  readonly version: string
  readonly provider: string
  readonly check_value: Buffer
  readonly wrapped: string | null
  readonly retired_at: Date | null
}

interface Held {
  readonly key: KeyObject
  /** Of `performance.now()`. */
  readonly until: number
  readonly askAgainAt: number
}

const LOOK_MS = 2_000
const FOUR_HOURS_MS = 4 * 3_600_000
const UNDEFINED_TABLE = '42P01'

/**
 * The key-encrypting keys of a running process: those of the file or the environment and those that a key management
 * service has wrapped, which are held in memory for a bounded time. Versions are agreed on in the table `safe_key`; who
 * meets one that is missing here looks again.
 */
export class SafeKeys implements KeySource {
  readonly #logger = new Logger(SafeKeys.name)
  readonly #services: ReadonlyMap<string, KeyService>
  readonly #lifetimeMs: number
  readonly #held = new Map<number, Held>()
  #local = new Keyring(0, new Map())
  #rows: readonly Row[] = []
  #active = 0
  #migrated = false
  #seen = ''
  #loading: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  /** So that an outage is told once. */
  #troubled = false

  private constructor(
    private readonly pool: Pool,
    private readonly options: SafeKeysOptions,
  ) {
    this.#services = new Map((options.services ?? []).map((service) => [service.name, service]))
    this.#lifetimeMs = options.lifetimeMs ?? FOUR_HOURS_MS
  }

  /**
   * Reads all keys, and sees that none is missing which a secret needs.
   * @throws KeyringError, KeyServiceError
   */
  static async open(pool: Pool, options: SafeKeysOptions): Promise<SafeKeys> {
    const keys = new SafeKeys(pool, options)
    await keys.reload()
    await keys.#mustOpenAll()
    return keys
  }

  /** Looks for changes from now on, until `close`. */
  watch(): void {
    this.#timer = setInterval(() => {
      this.#look().then(
        () => (this.#troubled = false),
        (error: unknown) => {
          if (!this.#troubled) this.#logger.error({ err: error }, 'the keys of the safe cannot be read')
          this.#troubled = true
        },
      )
    }, LOOK_MS).unref()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#held.clear()
  }

  get active(): number {
    return this.#active
  }

  key(version: number): KeyObject | undefined {
    const local = this.#local.key(version)
    if (local) return local
    const held = this.#held.get(version)
    if (!held) return undefined
    if (held.until > performance.now()) return held.key
    // Node overwrites a key's memory when the object is collected; there is no way to do it sooner.
    this.#held.delete(version)
    return undefined
  }

  async find(version: number): Promise<boolean> {
    await this.reload()
    return this.#rows.some((row) => Number(row.version) === version)
  }

  /** Reads the keys again; those who ask meanwhile wait for the same reading. */
  reload(): Promise<void> {
    this.#loading ??= this.#load().finally(() => (this.#loading = undefined))
    return this.#loading
  }

  /** @throws Error when nothing can be sealed, or a key is missing here that another process has */
  mustBeComplete(): void {
    if (!this.#migrated) throw new Error('the table of the keys is missing')
    if (!this.key(this.#active)) throw new Error(`key ${this.#active}, which should seal, is retired or missing`)
    const missing = this.#rows.filter(
      ({ version, retired_at }) => retired_at === null && this.key(Number(version)) === undefined,
    )
    if (missing.length > 0) throw new Error(`key ${missing.map(({ version }) => version).join(', ')} is missing here`)
  }

  /**
   * Makes a new version, which is active from now on.
   * @throws DomainError `safe.keys_read_only` when keys are given and cannot be made here
   */
  async make(): Promise<number> {
    if (this.#services.has(this.options.provider)) await this.#makeWrapped((await this.#readRows()) ?? [])
    else await this.#makeInFile()
    await this.reload()
    this.#logger.log({ version: this.#active }, 'a new key seals from now on')
    return this.#active
  }

  /**
   * Lets nobody seal with a version any more, and destroys it.
   * @returns whether it is gone from here, too; a file may be readable only
   * @throws DomainError while a secret needs it, or it is the active one
   */
  async retire(version: number): Promise<boolean> {
    await this.reload()
    if (version === this.#active) {
      throw new DomainError('conflict', 'safe.key_active', `Key ${version} is the one that seals: rotate first.`)
    }
    await transaction(this.pool, async (client) => {
      // Waits for whoever is sealing; who comes later sees that it is retired.
      await client.query(`set local lock_timeout = '10s'`)
      await client.query('lock table safe in share row exclusive mode')
      const { rows } = await client.query<{ count: number }>(
        sql`select count(*)::int as count from safe where kek_version = ${version}`,
      )
      const secrets = rows[0]?.count ?? 0
      if (secrets > 0) {
        throw new DomainError(
          'conflict',
          'safe.key_in_use',
          `Key ${version} is needed by ${secrets} secrets: run rotate-keys until none is left.`,
          { payload: { secrets } },
        )
      }
      const { rowCount } = await client.query(sql`
        update safe_key set retired_at = coalesce(retired_at, clock_timestamp()), wrapped = null
        where version = ${version}`)
      if (!rowCount) throw new DomainError('not_found', 'safe.key_unknown', `There is no key ${version}.`)
    })
    const gone = this.#removeFromFile(version)
    await this.reload()
    this.#logger.log({ version }, 'a key is retired')
    return gone
  }

  /** All versions, oldest first. */
  async list(): Promise<SafeKeyVersion[]> {
    await this.reload()
    const { rows } = await this.pool.query<{ kek_version: string; count: number }>(sql`
      select kek_version, count(*)::int as count from safe group by kek_version`)
    const secrets = new Map(rows.map(({ kek_version, count }) => [kek_version, count]))
    return this.#rows.map(({ version, provider, retired_at }) => ({
      version: Number(version),
      provider,
      active: Number(version) === this.#active,
      retired: retired_at !== null,
      secrets: secrets.get(version) ?? 0,
    }))
  }

  async #load(): Promise<void> {
    const { provider, file } = this.options
    const ring = this.#readRing()
    const remote = this.#services.get(provider)
    if (!ring && !remote) throw new KeyringError('the safe has no keys: docs/keys.md says where they can come from')
    let rows = await this.#readRows()
    if (rows && ring) {
      await this.#register(ring, rows, file !== undefined ? 'file' : 'environment')
      rows = await this.#readRows()
    }
    if (rows && remote && !rows.some((row) => row.provider === provider && row.retired_at === null)) {
      await this.#makeWrapped(rows)
      rows = await this.#readRows()
    }
    this.#migrated = rows !== undefined
    this.#rows = rows ?? []
    await this.#unwrapAll()
    this.#local = withoutRetired(ring, this.#rows)
    const wrapped = this.#rows.filter((row) => row.provider === provider && row.retired_at === null)
    this.#active = remote ? Number(wrapped.at(-1)?.version ?? 0) : this.#local.active
    if (this.#migrated && !remote && this.#local.key(this.#active) === undefined) {
      throw new KeyringError(`key ${this.#active} is retired: another one must be active`)
    }
    this.#seen = this.#signature(this.#rows)
  }

  #readRing(): Keyring | undefined {
    const { file, text } = this.options
    return file !== undefined ? Keyring.load(file) : text && Keyring.parse(text.reveal(), 'KEYBEARER_SAFE_KEYS')
  }

  /** `undefined` while the table is missing. */
  async #readRows(): Promise<readonly Row[] | undefined> {
    try {
      const { rows } = await this.pool.query<Row>(sql`
        select version, provider, check_value, wrapped, retired_at from safe_key order by version`)
      return rows
    } catch (error) {
      if ((error as { code?: string }).code === UNDEFINED_TABLE) return undefined
      throw error
    }
  }

  /** Tells the others which versions are here. */
  async #register(ring: Keyring, rows: readonly Row[], provider: KeyProvider): Promise<void> {
    for (const version of ring.versions) {
      const value = checkValue(ring.key(version)!)
      const known = rows.find((row) => Number(row.version) === version)
      if (!known) {
        await this.pool.query(sql`
          insert into safe_key (version, provider, check_value) values (${version}, ${provider}, ${value})
          on conflict do nothing`)
      } else if (known.retired_at === null && !known.check_value.equals(value)) {
        throw new KeyringError(`key ${version} is not the key ${version} that secrets are sealed with here`)
      }
    }
  }

  async #unwrapAll(): Promise<void> {
    const now = performance.now()
    for (const { version: name, provider, wrapped, retired_at, check_value } of this.#rows) {
      const version = Number(name)
      const service = this.#services.get(provider)
      if (retired_at !== null || wrapped === null || !service) {
        this.#held.delete(version)
        continue
      }
      const held = this.#held.get(version)
      if (held && held.askAgainAt > now) continue
      try {
        const key = keyObjectOf(await service.unwrap(wrapped, contextOf(version)))
        if (!checkValue(key).equals(check_value)) throw new KeyringError(`${provider} gave another key ${version}`)
        this.#hold(version, key)
      } catch (error) {
        // An outage does no harm as long as the key may still be held; nor does one key's keep the others from opening.
        this.#logger.error({ err: error, version }, 'a key of the safe cannot be unwrapped')
        if (!this.#started && !this.key(version)) throw error
      }
    }
  }

  get #started(): boolean {
    return this.#active !== 0
  }

  #hold(version: number, key: KeyObject): void {
    const now = performance.now()
    this.#held.set(version, { key, until: now + this.#lifetimeMs, askAgainAt: now + this.#lifetimeMs / 4 })
  }

  /** @param rows what was there when a key was found wanting: who makes one at the same time makes the same version */
  async #makeWrapped(rows: readonly Row[]): Promise<void> {
    const service = this.#services.get(this.options.provider)
    if (!service) throw new KeyringError(`${this.options.provider} is not configured`)
    const version = this.#nextVersion(rows)
    const bytes = randomBytes(KEY_BYTES)
    const wrapped = await service.wrap(bytes, contextOf(version))
    const key = keyObjectOf(bytes)
    await this.pool.query(sql`
      insert into safe_key (version, provider, check_value, wrapped)
      values (${version}, ${service.name}, ${checkValue(key)}, ${wrapped})
      on conflict do nothing`)
  }

  async #makeInFile(): Promise<void> {
    const { provider, file } = this.options
    if (provider !== 'file' || file === undefined) throw readOnly()
    await transaction(this.pool, async (client) => {
      await oneAtATime(client)
      // Another process may have written it a moment ago.
      const version = Math.max(
        this.#nextVersion((await this.#readRows()) ?? []),
        ...Keyring.load(file).versions.map(next),
      )
      const bytes = randomBytes(KEY_BYTES)
      changeFile(file, ({ keys }) => ({ active: version, keys: { ...keys, [version]: bytes.toString('base64') } }))
      bytes.fill(0)
    })
  }

  /** @returns whether the key is not there any more */
  #removeFromFile(version: number): boolean {
    const { file } = this.options
    const ring = this.#readRing()
    if (!ring?.key(version)) return true
    // A file must have a key that seals; one that nobody needs is removed by hand, whole.
    if (file === undefined || ring.active === version) return false
    try {
      changeFile(file, ({ active, keys }) => {
        const { [String(version)]: _, ...rest } = keys
        return { active, keys: rest }
      })
      return true
    } catch (error) {
      if (error instanceof DomainError) return false
      throw error
    }
  }

  #nextVersion(rows: readonly Row[]): number {
    return Math.max(0, ...rows.map(({ version }) => Number(version)), ...this.#local.versions) + 1
  }

  async #mustOpenAll(): Promise<void> {
    if (!this.#migrated) return
    const known = [...this.#local.versions, ...this.#held.keys()]
    const { rows } = await this.pool.query<{ kek_version: string; count: number }>(sql`
      select kek_version, count(*)::int as count from safe
      where kek_version <> all(${known}::bigint[]) group by kek_version order by kek_version`)
    if (rows.length === 0) return
    const missing = rows.map(({ kek_version, count }) => `key ${kek_version} (${count} secrets)`).join(', ')
    throw new KeyringError(`secrets are sealed with keys that are missing: ${missing}; docs/keys.md says what to do`)
  }

  /** Cheap, so that it can be done often. */
  async #look(): Promise<void> {
    const rows = await this.#readRows()
    const due = [...this.#held.values()].some(({ askAgainAt }) => askAgainAt <= performance.now())
    if (due || rows === undefined || this.#signature(rows) !== this.#seen) await this.reload()
  }

  #signature(rows: readonly Row[]): string {
    const { file } = this.options
    const stat = file === undefined ? undefined : statSync(file, { throwIfNoEntry: false })
    const ofFile = stat && [stat.ino, stat.mtimeMs, stat.size]
    return JSON.stringify([ofFile, rows.map(({ version, retired_at }) => [version, retired_at !== null])])
  }
}

const next = (version: number): number => version + 1

const contextOf = (version: number): KeyContext => ({ purpose: 'keybearer safe', version: String(version) })

const checkValue = (key: KeyObject): Buffer =>
  createHmac('sha256', key).update('keybearer safe key').digest().subarray(0, 16)

const readOnly = (cause?: unknown): DomainError =>
  new DomainError(
    'conflict',
    'safe.keys_read_only',
    'The vault cannot change its keys here: add one by hand, as docs/keys.md says, and run rotate-keys again.',
    { cause },
  )

async function oneAtATime(client: PoolClient): Promise<void> {
  await client.query(`select pg_advisory_xact_lock(hashtext('keybearer safe keys'))`)
}

function keyObjectOf(bytes: Buffer): KeyObject {
  if (bytes.length !== KEY_BYTES) throw new KeyringError(`a key must have ${KEY_BYTES} bytes`)
  const key = createSecretKey(bytes)
  bytes.fill(0)
  return key
}

function withoutRetired(ring: Keyring | undefined, rows: readonly Row[]): Keyring {
  if (!ring) return new Keyring(0, new Map())
  const retired = new Set(rows.filter(({ retired_at }) => retired_at !== null).map(({ version }) => Number(version)))
  const versions = ring.versions.filter((version) => !retired.has(version))
  return new Keyring(ring.active, new Map(versions.map((version) => [version, ring.key(version)!])))
}

interface KeyFile {
  readonly active: number
  readonly keys: Readonly<Record<string, string>>
}

/** Replaces the file whole, so that whoever reads it meanwhile sees the old one or the new one. */
function changeFile(file: string, change: (content: KeyFile) => KeyFile): void {
  const content = JSON.parse(readFileSync(file, 'utf8')) as KeyFile
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}`)
  try {
    rmSync(temporary, { force: true })
    const descriptor = openSync(temporary, 'wx', 0o600)
    try {
      writeSync(descriptor, `${JSON.stringify(change(content), null, 2)}\n`)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(temporary, file)
  } catch (error) {
    rmSync(temporary, { force: true })
    const { code = '' } = error as NodeJS.ErrnoException
    if (['EROFS', 'EACCES', 'EPERM', 'EBUSY', 'EXDEV'].includes(code)) throw readOnly(error)
    throw error
  }
}
