import { createPrivateKey, hkdfSync, createSecretKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { importJWK, type CryptoKey, type JWK } from 'jose'
import { SERVICES, type ServiceName } from '#libs/contracts'

/** Write access for the group, or any access for others: too much for a private key. */
const TOO_OPEN = 0o027

/** The Ed25519 key that a service signs with, and the public keys of all services by name. */
export class ServiceKeys {
  private constructor(
    readonly service: ServiceName,
    readonly signingKey: CryptoKey,
    /** The public key of each service, by its name. */
    readonly publicKeys: ReadonlyMap<ServiceName, CryptoKey>,
    /** Keys the fingerprints of requests: the same in all replicas and after a restart. */
    readonly fingerprintKey: KeyObject,
  ) {}

  /**
   * Reads the files that the launcher made.
   * @throws Error when a file is unreadable, open to others, or has no fitting key
   */
  static async fromFiles(service: ServiceName, keyFile: string, publicKeysFile: string): Promise<ServiceKeys> {
    if ((statSync(keyFile).mode & TOO_OPEN) !== 0)
      throw new Error(`${keyFile} is open to others; its mode must be 0600.`)
    return ServiceKeys.fromKeys(service, keysIn(keyFile), keysIn(publicKeysFile))
  }

  /** As `fromFiles`, from JSON Web Keys. */
  static async fromKeys(service: ServiceName, own: readonly JWK[], all: readonly JWK[]): Promise<ServiceKeys> {
    const key = own.find((candidate) => isEd25519(candidate) && candidate.d !== undefined)
    if (!key) throw new Error(`There is no private Ed25519 key for ${service}.`)
    const publicKeys = new Map<ServiceName, CryptoKey>()
    for (const name of SERVICES) {
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

function keysIn(file: string): JWK[] {
  try {
    const { keys } = JSON.parse(readFileSync(file, 'utf8')) as { keys: JWK[] }
    if (Array.isArray(keys)) return keys
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    // Without the cause: a parse error quotes the file.
    // eslint-disable-next-line preserve-caught-error
    throw new Error(`${file} ${code ? `cannot be read (${code})` : 'is not JSON'}.`)
  }
  throw new Error(`${file} is not a JSON Web Key Set.`)
}
