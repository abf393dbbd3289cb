import { hkdfSync, randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parseGcfg } from './gcfg.js'
import { PrivateFileError, readPrivateFile } from './private-file.js'

const BYTES = 32
/** The only spelling of 32 bytes in Base64. */
const SHAPE = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/

/** The key of encrypted settings. It prints nothing of itself. */
export class SecretKey {
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** For AES-256-GCM. */
  encryptionKey(): Buffer {
    return this.#derived('keybearer settings encryption 1')
  }

  /** 64 hexadecimal digits that tell keys apart and give nothing of them away. */
  get fingerprint(): string {
    return this.#derived('keybearer settings fingerprint 1').toString('hex')
  }

  /** The beginning of the fingerprint, which stands in each encrypted value. */
  get id(): string {
    return this.fingerprint.slice(0, 16)
  }

  #derived(purpose: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#bytes, '', purpose, BYTES))
  }
}

/**
 * Reads the key of encrypted settings.
 * @throws PrivateFileError when the file is unreadable, open to others or holds no key
 */
export function readSecretKey(file: string): SecretKey {
  const text = readPrivateFile(file).trim()
  if (!SHAPE.test(text)) throw new PrivateFileError(file, 'holds no key: it must be Base64 of 32 bytes')
  return new SecretKey(Buffer.from(text, 'base64'))
}

/** The key in the file, if there is a file. @throws PrivateFileError as `readSecretKey` */
export const findSecretKey = (file: string): SecretKey | undefined =>
  existsSync(file) ? readSecretKey(file) : undefined

/**
 * Reads the key, or makes one, mode 0600, when there is no file yet.
 * @throws PrivateFileError when the file is there and not sound, or cannot be written
 */
export function readOrMakeSecretKey(file: string): { key: SecretKey; made: boolean } {
  const found = findSecretKey(file)
  if (found) return { key: found, made: false }
  const bytes = randomBytes(BYTES)
  let descriptor: number
  try {
    descriptor = openSync(file, 'wx', 0o600)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return { key: readSecretKey(file), made: false }
    throw new PrivateFileError(file, `cannot be written (${code})`, { cause: error })
  }
  try {
    writeSync(descriptor, `${bytes.toString('base64')}\n`)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  return { key: new SecretKey(bytes), made: true }
}

/**
 * Where the key of a settings file is, though the rest of the file may not be sound yet: before a secret can be
 * encrypted, the line that is to hold it is missing.
 * @throws Error when the settings file cannot be read
 */
export function secretKeyFileOf(settingsFile: string, environment: NodeJS.ProcessEnv = process.env): string {
  const { entries } = parseGcfg(readFileSync(settingsFile, 'utf8'))
  const written = entries.findLast(
    ({ section, name }) => section.toLowerCase() === 'server' && name.toLowerCase() === 'secretkeyfile',
  )?.value
  return resolve(
    dirname(resolve(settingsFile)),
    environment.KEYBEARER_SERVER_SECRETKEYFILE || written || DEFAULT_SECRET_KEY_FILE,
  )
}

/** Beside the settings file. */
export const DEFAULT_SECRET_KEY_FILE = 'secret.key'
