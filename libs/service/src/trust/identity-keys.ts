import { importJWK, type CryptoKey, type JWK } from 'jose'
import { serviceUnavailable } from '#libs/contracts'
import type { ReplicaPools } from '../http/replica-pools.js'

/** Keys are asked for again after this long, so that a withdrawn one goes. */
const FRESH_MS = 60_000
/** A key id that is not there leads to a new question, but not more often than this. */
const PAUSE_MS = 1_000
const TIMEOUT_MS = 2_000

/** Where keys come from; throws when they cannot be had. */
export type FetchKeys = () => Promise<readonly JWK[]>

/**
 * The public keys that identity signs one kind of token with, by key id. While identity is down the last good set
 * holds.
 */
export class IdentityKeys {
  #keys: ReadonlyMap<string, CryptoKey> | undefined
  #askedAt = -Infinity
  #running: Promise<void> | undefined

  constructor(
    private readonly fetchKeys: FetchKeys,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * @returns `undefined` when identity has no such key
   * @throws DomainError `service.unavailable` when no keys could be had yet
   */
  async find(kid: string): Promise<CryptoKey | undefined> {
    const known = this.#keys?.get(kid)
    const age = this.now() - this.#askedAt
    if (known && age < FRESH_MS) return known
    if (age >= PAUSE_MS || this.#running) {
      const refreshed = (this.#running ??= this.#refresh())
      // A key that we have is used meanwhile: identity may take its time to answer or to time out.
      if (known) return known
      await refreshed
    }
    if (!this.#keys) throw serviceUnavailable()
    return this.#keys.get(kid)
  }

  async #refresh(): Promise<void> {
    this.#askedAt = this.now()
    try {
      const keys = new Map<string, CryptoKey>()
      for (const { kty, crv, x, kid } of await this.fetchKeys()) {
        if (kty !== 'OKP' || crv !== 'Ed25519' || !kid) continue
        keys.set(kid, (await importJWK({ kty, crv, x } as JWK, 'EdDSA')) as CryptoKey)
      }
      // An empty set is a mishap, never a withdrawal of everything.
      if (keys.size > 0) this.#keys = keys
    } catch {
      // The last good set holds; `find` says so when there is none.
    } finally {
      this.#running = undefined
    }
  }
}

/** Reads a key set of identity, such as `/internal/jwks/actor`. */
export const keysOfIdentity =
  (pools: ReplicaPools, path: string): FetchKeys =>
  async () => {
    const { statusCode, body } = await pools.request('identity', { method: 'GET', path, timeoutMs: TIMEOUT_MS })
    if (statusCode !== 200) throw new Error(`identity answered ${statusCode}`)
    return (JSON.parse(body.toString('utf8')) as { keys: JWK[] }).keys
  }
