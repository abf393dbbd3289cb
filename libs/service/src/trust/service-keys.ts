import { createPrivateKey, hkdfSync, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { importJWK, type CryptoKey, type JWK } from 'jose'
import { CALLERS, type CallerName, type ServiceName } from '#libs/contracts'
import { readPrivateFile } from '../settings/private-file.js'

/** The Ed25519 key that a service signs with, and the public keys of all services by name. */
export class ServiceKeys {
  private constructor(
    readonly service: CallerName,
    readonly signingKey: CryptoKey,
    /** The public key of each caller, by its name. */
    readonly publicKeys: ReadonlyMap<CallerName, CryptoKey>,
    /** Keys the fingerprints of requests: the same in all replicas and after a restart. */
    readonly fingerprintKey: KeyObject,
  ) {}

  /**
   * Reads the files that the launcher made.
   * @throws Error when a file is unreadable, open to others, or has no fitting key
   */
  static async fromFiles(service: ServiceName, keyFile: string, publicKeysFile: string): Promise<ServiceKeys> {
    const own = keysIn(keyFile, readPrivateFile(keyFile))
    return ServiceKeys.fromKeys(service, own, keysIn(publicKeysFile, readFileSync(publicKeysFile, 'utf8')))
  }

  /** As `fromFiles`, from JSON Web Keys. */
  static async fromKeys(service: CallerName, own: readonly JWK[], all: readonly JWK[]): Promise<ServiceKeys> {
    const key = own.find((candidate) => isEd25519(candidate) && candidate.d !== undefined)
    if (!key) throw new Error(`There is no private Ed25519 key for ${service}.`)
    const publicKeys = new Map<CallerName, CryptoKey>()
    for (const name of CALLERS) {
      const found = all.find((candidate) => candidate.kid === name && isEd25519(candidate))
      if (!found) continue
      const { kty, crv, x } = found
      publicKeys.set(name, (await importJWK({ kty, crv, x } as JWK, 'EdDSA')) as CryptoKey)
    }
    const secret = createPrivateKey({ key: key as JsonWebKey, format: 'jwk' }).export({ format: 'der', type: 'pkcs8' })
    const derived = hkdfSync('sha256', secret, '', 'keybearer request fingerprint 1', 32)
    return new ServiceKeys(
      service,
      (await importJWK(key, 'EdDSA')) as CryptoKey,
      publicKeys,
      createSecretKey(Buffer.from(derived)),
    )
  }
}

const isEd25519 = ({ kty, crv }: JWK): boolean => kty === 'OKP' && crv === 'Ed25519'

/**
 * The keys of a JSON Web Key Set.
 * @param file its name, for the error
 * @throws Error that names the file, never its content
 */
export function keysIn(file: string, text: string): JWK[] {
  let set: { keys?: unknown } | null
  try {
    set = JSON.parse(text) as typeof set
  } catch {
    // The parser's error quotes the file, so it is no cause.
    set = null
  }
  if (!set) throw new Error(`${file} is not JSON.`)
  if (!Array.isArray(set.keys)) throw new Error(`${file} is not a JSON Web Key Set.`)
  return set.keys as JWK[]
}
