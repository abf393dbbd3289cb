import { createRemoteJWKSet, customFetch, errors, jwtVerify, type JWTVerifyOptions, type JWTVerifyResult } from 'jose'
import type { Secret } from '#libs/contracts'
import type { ProviderMetadata } from './discovery.js'
import type { Outbound } from './outbound.js'

/** Signatures that only the provider can make. `none` and the HS family are not among them. */
const ASYMMETRIC = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
const PAUSE_MS = 30_000
const MAX_AGE_MS = 600_000

/** The public keys of OpenID providers, fetched by the guarded client and remembered. */
export class ProviderKeys {
  readonly #keys = new Map<string, ReturnType<typeof createRemoteJWKSet>>()

  constructor(private readonly outbound: Outbound) {}

  /**
   * Verifies a JWT of a provider by the algorithms that it says it uses, RS256 unless it says.
   * @throws errors.JOSEError of jose, which quotes claims; OutboundError when the keys cannot be had
   */
  async verify(
    token: Secret,
    { jwks_uri, id_token_signing_alg_values_supported: offered = ['RS256'] }: ProviderMetadata,
    options: Omit<JWTVerifyOptions, 'algorithms'>,
  ): Promise<JWTVerifyResult> {
    const algorithms = ASYMMETRIC.filter((algorithm) => offered.includes(algorithm))
    if (algorithms.length === 0) throw new errors.JOSEAlgNotAllowed('the provider offers none that can be trusted')
    const text = token.reveal()
    const all = { ...options, algorithms }
    try {
      return await jwtVerify(text, this.#keysAt(jwks_uri), all)
    } catch (error) {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
      // No `kid` and several keys of its kind: one of them must verify it, whichever stands first.
      for await (const key of error) {
        const verified = await jwtVerify(text, key, all).catch((failure: unknown) => {
          if (failure instanceof errors.JWSSignatureVerificationFailed) return undefined
          throw failure
        })
        if (verified) return verified
      }
      throw error
    }
  }

  /**
   * Has the keys at hand for the next ten minutes, so that `verify` asks nobody unless a token names an unknown one.
   * @throws errors.JOSEError, OutboundError
   */
  async prepare({ jwks_uri }: ProviderMetadata): Promise<void> {
    const keys = this.#keysAt(jwks_uri)
    if (!keys.fresh) await keys.reload()
  }

  #keysAt(jwksUri: string): ReturnType<typeof createRemoteJWKSet> {
    let keys = this.#keys.get(jwksUri)
    if (!keys) {
      keys = createRemoteJWKSet(new URL(jwksUri), {
        [customFetch]: this.outbound.fetch,
        cooldownDuration: PAUSE_MS,
        cacheMaxAge: MAX_AGE_MS,
      })
      this.#keys.set(jwksUri, keys)
    }
    return keys
  }
}
