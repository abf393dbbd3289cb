import { createSecretKey, type KeyObject } from 'node:crypto'
import { readPrivateFile } from '#libs/service'

/** AES-256. */
export const KEY_BYTES = 32
const HIGHEST_VERSION = 0xffffffff

/** Where key-encrypting keys come from. Old versions open; only the active one wraps. */
export interface KeySource {
  /** The version that wraps, from 1 to 2³² − 1. */
  readonly active: number
  /** `undefined` when this version is unknown or retired. */
  key(version: number): KeyObject | undefined
  /**
   * Looks where the keys come from, when a key is missed here.
   * @returns whether a key of this version has ever been there
   */
  find?(version: number): Promise<boolean>
}

/** Keys that must not be used. The message names where they are from and the fault, never a key. */
export class KeyringError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'KeyringError'
  }
}

/** The key-encrypting keys, by version, as they stand in `{"active":1,"keys":{"1":"<base64 of 32 bytes>"}}`. */
export class Keyring implements KeySource {
  readonly #keys: ReadonlyMap<number, KeyObject>

  constructor(
    readonly active: number,
    keys: ReadonlyMap<number, KeyObject>,
  ) {
    this.#keys = keys
  }

  get versions(): readonly number[] {
    return [...this.#keys.keys()]
  }

  /**
   * Loads the file, which only its owner may be able to read (mode 0600 or stricter).
   * @throws PrivateFileError, KeyringError
   */
  static load(path: string): Keyring {
    return Keyring.parse(readPrivateFile(path), path)
  }

  /**
   * @param name stands in error messages
   * @throws KeyringError
   */
  static parse(json: string, name = 'key ring'): Keyring {
    const { active, keys } = membersOf(json, name)
    const ring = new Map<number, KeyObject>()
    const seen = new Map<unknown, string>()
    for (const [version, text] of Object.entries(keys)) {
      ring.set(versionOf(version, name), keyOf(text, version, name))
      const twin = seen.get(text)
      if (twin !== undefined) throw new KeyringError(`${name}: keys ${twin} and ${version} are the same key`)
      seen.set(text, version)
    }
    if (typeof active !== 'number' || !ring.has(active)) {
      throw new KeyringError(`${name}: "active" names no version of "keys"`)
    }
    return new Keyring(active, ring)
  }

  key(version: number): KeyObject | undefined {
    return this.#keys.get(version)
  }
}

function membersOf(json: string, name: string): { active: unknown; keys: object } {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    // JSON.parse quotes what it could not read, and that would be a key.
    throw new KeyringError(`${name}: is no JSON`)
  }
  if (typeof value !== 'object' || value === null || !('active' in value) || !('keys' in value)) {
    throw new KeyringError(`${name}: must have the members "active" and "keys"`)
  }
  const { active, keys } = value
  if (typeof keys !== 'object' || keys === null) throw new KeyringError(`${name}: "keys" must be an object`)
  return { active, keys }
}

function versionOf(text: string, name: string): number {
  const version = Number(text)
  if (!/^[1-9]\d*$/.test(text) || version > HIGHEST_VERSION) {
    throw new KeyringError(`${name}: a key version is no integer from 1 to ${HIGHEST_VERSION}`)
  }
  return version
}

function keyOf(text: unknown, version: string, name: string): KeyObject {
  const bytes = Buffer.from(typeof text === 'string' ? text : '', 'base64')
  // Comparing with the text refuses what base64 decoding silently skips.
  if (bytes.length !== KEY_BYTES || bytes.toString('base64') !== text) {
    throw new KeyringError(`${name}: key ${version} is not the base64 of ${KEY_BYTES} bytes`)
  }
  if (isExample(bytes)) {
    throw new KeyringError(`${name}: key ${version} is no random key: make one with \`openssl rand -base64 32\``)
  }
  const key = createSecretKey(bytes)
  bytes.fill(0)
  return key
}

/** What stands in examples: a sentence, a run, the same few bytes. Of random keys it is one in 10¹³. */
function isExample(bytes: Buffer): boolean {
  const steps = new Set(bytes.subarray(1).map((byte, index) => (byte - bytes.readUInt8(index)) & 0xff))
  return new Set(bytes).size < 16 || steps.size < 8 || bytes.every((byte) => byte >= 0x20 && byte < 0x7f)
}
