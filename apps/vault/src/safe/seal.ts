import { createCipheriv, createDecipheriv, createSecretKey, randomBytes, type KeyObject } from 'node:crypto'
import { DomainError } from '#libs/contracts'
import { KEY_BYTES, type KeySource } from './keyring.js'

/**
 * Where a secret belongs: for example `['grant', grantGuid, 'refresh_token']`. Parts are of letters, digits, `_`, `-`
 * and `.`, so that the joined name of one place is never that of another.
 */
export type Place = readonly [string, ...string[]]

/**
 * `safe.missing`: there is none; `safe.key_missing`: nobody has given us its key; `safe.tampered`: the envelope is not what
 * was sealed in this place, for whatever reason.
 */
export type SafeFault = 'safe.missing' | 'safe.key_missing' | 'safe.tampered'

/** The secret cannot be opened. What is wrong with an envelope is not said: each detail helps only those who try. */
export class SafeError extends DomainError {
  constructor(readonly fault: SafeFault) {
    super('unavailable', fault, 'the secret cannot be opened')
    this.name = 'SafeError'
  }
}

/** Whether a secret will never open. What is thrown otherwise says that nobody knows: its key may be away for a while. */
export const isTampered = (error: unknown): boolean => error instanceof SafeError && error.fault === 'safe.tampered'

const FORMAT = 1
const NONCE = 12
const TAG = 16
const ALGORITHM = 'aes-256-gcm'

/** format (1) ‖ KEK version (4, big-endian) */
const HEAD = 5
/** nonce ‖ encrypted data key ‖ tag */
const WRAPPED = NONCE + KEY_BYTES + TAG
const BODY = HEAD + WRAPPED
/** The shortest envelope, that of an empty text. */
const SHORTEST = BODY + NONCE + TAG

/**
 * Seals a text under a fresh data key: format ‖ KEK version ‖ wrapped data key ‖ nonce ‖ ciphertext ‖ tag, with
 * AES-256-GCM twice. Both tags cover the place and the generation, so that an envelope which is moved to another row,
 * or kept for another time, does not open; the wrapped key's tag also covers the KEK version, so that a key can be
 * wrapped anew without its text being opened.
 * @throws SafeError when the active key is missing
 * @see NIST SP 800-38D; RFC 5116 §5.2
 */
export function seal(keys: KeySource, place: Place, generation: number, text: string): Buffer {
  const dataKey = randomBytes(KEY_BYTES)
  const plaintext = Buffer.from(text, 'utf8')
  try {
    const head = wrap(keys, place, generation, dataKey)
    return Buffer.concat([head, encrypt(dataKey, associatedData(place, generation), plaintext)])
  } finally {
    dataKey.fill(0)
    plaintext.fill(0)
  }
}

/**
 * The text of an envelope, after both tags have been verified.
 * @throws SafeError for whatever reason
 */
export function open(keys: KeySource, place: Place, generation: number, envelope: Buffer): string {
  const dataKey = unwrap(keys, place, generation, envelope)
  try {
    // Given the bytes themselves, Node throws and catches two errors before it takes them: four times the price.
    const key = createSecretKey(dataKey)
    const plaintext = decrypt(key, associatedData(place, generation), envelope.subarray(BODY))
    try {
      return plaintext.toString('utf8')
    } finally {
      plaintext.fill(0)
    }
  } finally {
    dataKey.fill(0)
  }
}

/**
 * The same envelope under the active key; the text itself stays closed.
 * @throws SafeError when the envelope's key is missing or the envelope is not of this place and generation
 */
export function rewrap(keys: KeySource, place: Place, generation: number, envelope: Buffer): Buffer {
  const dataKey = unwrap(keys, place, generation, envelope)
  try {
    return Buffer.concat([wrap(keys, place, generation, dataKey), envelope.subarray(BODY)])
  } finally {
    dataKey.fill(0)
  }
}

/**
 * Which key an envelope says that it needs; unverified.
 * @throws SafeError when it is no envelope
 */
export function keyVersionOf(envelope: Buffer): number {
  if (envelope.length < SHORTEST || envelope.readUInt8(0) !== FORMAT) throw new SafeError('safe.tampered')
  return envelope.readUInt32BE(1)
}

/** The place as one text, for the `safe` table's key. */
export function placeName(place: Place): string {
  // A programming error, not a SafeError: place parts are guids and fixed words.
  if (!place.every((part) => /^[\w.-]+$/.test(part))) throw new TypeError('a part of a place has a forbidden character')
  return place.join('/')
}

/** The place that `placeName` has named. */
export const parsePlace = (name: string): Place => name.split('/') as [string, ...string[]]

function wrap(keys: KeySource, place: Place, generation: number, dataKey: Buffer): Buffer {
  const key = keys.key(keys.active)
  if (!key) throw new SafeError('safe.key_missing')
  const head = Buffer.alloc(HEAD)
  head.writeUInt8(FORMAT, 0)
  head.writeUInt32BE(keys.active, 1)
  return Buffer.concat([head, encrypt(key, associatedData(place, generation, keys.active), dataKey)])
}

function unwrap(keys: KeySource, place: Place, generation: number, envelope: Buffer): Buffer {
  const version = keyVersionOf(envelope)
  const key = keys.key(version)
  if (!key) throw new SafeError('safe.key_missing')
  return decrypt(key, associatedData(place, generation, version), envelope.subarray(HEAD, BODY))
}

/** A list in which each item is preceded by its length in bytes, so that no two lists have the same bytes. */
function associatedData(place: Place, generation: number, kekVersion?: number): Buffer {
  const items = ['keybearer safe', String(FORMAT), ...place, String(generation)]
  if (kekVersion !== undefined) items.push(String(kekVersion))
  return Buffer.concat(
    items.flatMap((item) => {
      const bytes = Buffer.from(item, 'utf8')
      const length = Buffer.alloc(4)
      length.writeUInt32BE(bytes.length)
      return [length, bytes]
    }),
  )
}

/** nonce ‖ ciphertext ‖ tag */
function encrypt(key: KeyObject | Buffer, associated: Buffer, plaintext: Buffer): Buffer {
  const nonce = randomBytes(NONCE)
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG })
  cipher.setAAD(associated)
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

function decrypt(key: KeyObject, associated: Buffer, sealed: Buffer): Buffer {
  try {
    // Without authTagLength, Node takes a tag of 4 bytes for a tag.
    const decipher = createDecipheriv(ALGORITHM, key, sealed.subarray(0, NONCE), { authTagLength: TAG })
    decipher.setAAD(associated)
    decipher.setAuthTag(sealed.subarray(-TAG))
    const plaintext = decipher.update(sealed.subarray(NONCE, -TAG))
    // What update() returned is unverified until final() has not thrown.
    decipher.final()
    return plaintext
  } catch {
    throw new SafeError('safe.tampered')
  }
}
